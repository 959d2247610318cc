package io.chasqui.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.util.Objects;
import java.util.OptionalLong;

/** LangChain4j's parameters and a seed: the same seed gives the same text. */
public final class ChasquiChatRequestParameters extends DefaultChatRequestParameters {
  private final Long seed;

  private ChasquiChatRequestParameters(Builder builder) {
    super(builder);
    seed = builder.seed;
  }

  public static Builder builder() {
    return new Builder();
  }

  public OptionalLong seed() {
    return seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
  }

  @Override
  public ChatRequestParameters overrideWith(ChatRequestParameters that) {
    return builder().overrideWith(this).overrideWith(that).build();
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && other instanceof ChasquiChatRequestParameters that
        && Objects.equals(seed, that.seed);
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + Objects.hashCode(seed);
  }

  /** LangChain4j's builder with a seed. */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private Long seed;

    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    @Override
    public Builder overrideWith(ChatRequestParameters parameters) {
      super.overrideWith(parameters);
      if (parameters instanceof ChasquiChatRequestParameters ours && ours.seed != null) {
        seed = ours.seed;
      }
      return this;
    }

    @Override
    public ChasquiChatRequestParameters build() {
      return new ChasquiChatRequestParameters(this);
    }
  }
}
