package io.chasqui.chat;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Writes a conversation in the form that a model was trained on, by the Jinja template that comes
 * with the model (<a href="https://huggingface.co/docs/transformers/chat_templating">Hugging Face:
 * chat templates</a>). Thread-safe.
 */
public final class ChatTemplate {
  private final String source;
  private final String bosToken;
  private final String eosToken;

  /** The template as Jinjava needs it; made by the first who renders. */
  private volatile String translated;

  /**
   * Takes a template as it is: what is wrong with it is told when it renders.
   *
   * @param source the template
   * @param bosToken the text of the token that begins a text, or an empty string
   * @param eosToken the text of the token that ends a text, or an empty string
   */
  public ChatTemplate(String source, String bosToken, String eosToken) {
    this.source = Objects.requireNonNull(source);
    this.bosToken = Objects.requireNonNull(bosToken);
    this.eosToken = Objects.requireNonNull(eosToken);
  }

  /** The text of the token that begins a text, or an empty string. */
  public String bosToken() {
    return bosToken;
  }

  /** Whether the text of a prompt may depend on the day. */
  public boolean writesTheDate() {
    return source.contains("strftime_now");
  }

  /**
   * The text of a prompt that asks for the assistant's next turn. The first call in a process takes
   * some hundred milliseconds more than the others.
   *
   * @throws IllegalArgumentException if the template refuses the conversation, as many do when
   *     roles do not alternate; the message is the template's own
   */
  public String render(List<ChatMessage> conversation) {
    Map<String, Object> bindings = new HashMap<>();
    bindings.put(
        "messages",
        conversation.stream()
            .map(m -> Map.of("role", m.role(), "content", m.content()))
            .collect(Collectors.toList()));
    bindings.put("add_generation_prompt", true);
    bindings.put("bos_token", bosToken);
    bindings.put("eos_token", eosToken);
    if (translated == null) {
      translated = JinjaSource.translate(source, Holder::hasFilter);
    }
    RenderResult result = Holder.JINJAVA.renderForResult(translated, bindings);
    for (TemplateError error : result.getErrors()) {
      if (error.getSeverity() == TemplateError.ErrorType.FATAL) {
        throw new IllegalArgumentException(reasonOf(error));
      }
    }
    return result.getOutput();
  }

  private static String reasonOf(TemplateError error) {
    for (Throwable e = error.getException(); e != null; e = e.getCause()) {
      if (e instanceof Refusal) {
        return "The model's chat template refuses this conversation: " + e.getMessage();
      }
    }
    return "The model's chat template cannot be used: " + error.getMessage();
  }

  /** What a template says of a conversation that it does not take. */
  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  /** What templates call to refuse a conversation. */
  public static String raiseException(String message) {
    throw new Refusal(message);
  }

  /**
   * What templates call for today's date.
   *
   * @param format a date with the directives of C's {@code strftime}
   * @throws IllegalArgumentException if it has a directive that dates in prompts do not use
   */
  public static String strftimeNow(String format) {
    return strftime(format, LocalDateTime.now(ZoneId.systemDefault()));
  }

  static String strftime(String format, LocalDateTime time) {
    var text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      // %-d is glibc's way to write a number without a leading zero.
      boolean unpadded = directive == '-' && i + 1 < format.length();
      if (unpadded) {
        directive = format.charAt(++i);
      }
      String pattern =
          switch (directive) {
            case 'd' -> unpadded ? "d" : "dd";
            case 'm' -> unpadded ? "M" : "MM";
            case 'H' -> unpadded ? "H" : "HH";
            case 'I' -> unpadded ? "h" : "hh";
            case 'M' -> unpadded ? "m" : "mm";
            case 'S' -> unpadded ? "s" : "ss";
            case 'j' -> unpadded ? "D" : "DDD";
            case 'B' -> "MMMM";
            case 'b' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'p' -> "a";
            case 'F' -> "yyyy-MM-dd";
            case 'T' -> "HH:mm:ss";
            case '%' -> "'%'";
            default ->
                throw new IllegalArgumentException(
                    "unknown directive %" + directive + " in a date");
          };
      // US names: other English locales write "Sept" for Python's "Sep".
      text.append(time.format(DateTimeFormatter.ofPattern(pattern, Locale.US)));
    }
    return text.toString();
  }

  /** Made when first used: a start does not wait for it. */
  private static final class Holder {
    static final Jinjava JINJAVA = make();

    static boolean hasFilter(String name) {
      return JINJAVA.getGlobalContext().getFilter(name) != null;
    }

    private static Jinjava make() {
      Jinjava jinjava =
          new Jinjava(
              JinjavaConfig.newBuilder()
                  // White space is settled by JinjaSource.
                  .withTrimBlocks(false)
                  .withLstripBlocks(false)
                  .withKeepTrailingNewline(true)
                  .withElResolver(PythonStrings.withJinjavas())
                  // What a user writes is text, never a template.
                  .withNestedInterpretationEnabled(false)
                  .withLegacyOverrides(
                      LegacyOverrides.newBuilder()
                          .withParseWhitespaceControlStrictly(true)
                          .withUseTrimmingForNotesAndExpressions(true)
                          .withUseSnakeCasePropertyNaming(true)
                          .withKeepNullableLoopValues(true)
                          .build())
                  .build());
      var context = jinjava.getGlobalContext();
      context.registerFunction(function("raise_exception", "raiseException"));
      context.registerFunction(function("strftime_now", "strftimeNow"));
      return jinjava;
    }

    private static ELFunctionDefinition function(String name, String method) {
      return new ELFunctionDefinition("", name, ChatTemplate.class, method, String.class);
    }
  }
}
