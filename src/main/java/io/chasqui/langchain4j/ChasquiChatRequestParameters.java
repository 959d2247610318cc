package io.chasqui.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import io.chasqui.engine.Speculation;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * LangChain4j's parameters, a seed, with which the same request gives the same text, and whether to
 * guess tokens ahead, which never changes the text.
 */
public final class ChasquiChatRequestParameters extends DefaultChatRequestParameters {
  private final Long seed;
  private final Speculation speculation;

  private ChasquiChatRequestParameters(Builder builder) {
    super(builder);
    seed = builder.seed;
    speculation = builder.speculation;
  }

  public static Builder builder() {
    return new Builder();
  }

  public OptionalLong seed() {
    return seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
  }

  /** Empty leaves it to the engine's option. */
  public Optional<Speculation> speculation() {
    return Optional.ofNullable(speculation);
  }

  @Override
  public ChatRequestParameters overrideWith(ChatRequestParameters that) {
    return builder().overrideWith(this).overrideWith(that).build();
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && other instanceof ChasquiChatRequestParameters that
        && Objects.equals(seed, that.seed)
        && speculation == that.speculation;
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + Objects.hash(seed, speculation);
  }

  /** LangChain4j's builder, with what is ours. */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private Long seed;
    private Speculation speculation;

    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    public Builder speculation(Speculation speculation) {
      this.speculation = speculation;
      return this;
    }

    @Override
    public Builder overrideWith(ChatRequestParameters parameters) {
      super.overrideWith(parameters);
      if (parameters instanceof ChasquiChatRequestParameters ours) {
        seed = ours.seed().isPresent() ? ours.seed : seed;
        speculation = ours.speculation().orElse(speculation);
      }
      return this;
    }

    @Override
    public ChasquiChatRequestParameters build() {
      return new ChasquiChatRequestParameters(this);
    }
  }
}
