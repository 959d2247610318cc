package io.chasqui.chat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a template that Jinjava renders as Jinja2 would, with {@code trim_blocks} and {@code
 * lstrip_blocks} as Hugging Face's transformers sets them. Jinjava takes white space differently,
 * and passes over unknown and unbalanced tags without a word; so white space is settled here (rules
 * of <a href="https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control">Jinja2:
 * whitespace control</a>), and what cannot be rendered faithfully is refused.
 */
final class JinjaSource {
  private static final Set<String> INNER = Set.of("elif", "else", "break", "continue");
  private static final Set<String> BLOCKS = Set.of("if", "for", "macro", "set", "filter", "call");

  /** What transformers adds: marks the assistant's words for training, and renders as itself. */
  private static final String GENERATION = "generation";

  private static final Pattern OPENING = Pattern.compile("\\{[{%#]");
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
  private static final Pattern STRING =
      Pattern.compile("'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"", Pattern.DOTALL);

  private static final Pattern FILTER = Pattern.compile("\\|\\s*(\\w+)");
  private static final String NAMESPACE = "namespace(";

  private final String source;
  private final Predicate<String> knownFilter;
  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();
  private int position;

  /** The text in hand begins a line: what matters to the white space before a block. */
  private boolean atLineStart = true;

  private JinjaSource(String source, Predicate<String> knownFilter) {
    this.knownFilter = knownFilter;
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  /**
   * @param knownFilter whether there is a filter of this name
   * @return a template without white space control, for an engine that leaves text as it is
   * @throws IllegalArgumentException if the template is malformed or uses what is not supported;
   *     the message names the line
   */
  static String translate(String source, Predicate<String> knownFilter) {
    return new JinjaSource(source, knownFilter).translate();
  }

  private String translate() {
    Matcher opening = OPENING.matcher(source);
    while (opening.find(position)) {
      int at = opening.start();
      switch (source.charAt(at + 1)) {
        case '{' -> {
          int end = endOfTag(at, "}}");
          text(at, strips(at) ? Strip.ALL : Strip.NOTHING);
          out.append("{{ ").append(code(at, end)).append(" }}");
          leave(end, false);
        }
        case '#' -> {
          int end = source.indexOf("#}", at + 2);
          require(end >= 0, at, "a comment is not closed");
          text(at, blockStrip(at));
          leave(end, true);
        }
        default -> block(at);
      }
    }
    text(source.length(), Strip.NOTHING);
    require(open.isEmpty(), source.length(), "'" + open.peek() + "' is not closed");
    return out.toString();
  }

  private void block(int at) {
    int end = endOfTag(at, "%}");
    text(at, blockStrip(at));
    String code = code(at, end);
    String name = code.split("\\W", 2)[0];
    if (name.equals("raw")) {
      raw(at, end);
      return;
    }
    checkStructure(at, name, code);
    if (!name.equals(GENERATION) && !name.equals("end" + GENERATION)) {
      out.append("{% ").append(code).append(" %}");
    }
    leave(end, true);
  }

  private void checkStructure(int at, String name, String code) {
    String bare = STRING.matcher(code).replaceAll("''");
    if (name.startsWith("end")) {
      require(name.substring(3).equals(open.peek()), at, "'" + name + "' has nothing to end");
      open.pop();
    } else if (INNER.contains(name)) {
      require(!open.isEmpty(), at, "'" + name + "' is in no block");
      require(
          !(name.equals("else") && "for".equals(open.peek())),
          at,
          "'else' of a 'for' is not supported");
    } else {
      require(
          BLOCKS.contains(name) || name.equals(GENERATION),
          at,
          "the tag '" + name + "' is not supported");
      if (name.equals("for")) {
        require(bare.matches("(?s)for\\s+\\S.*\\sin\\s*\\S.*"), at, "'for' names no list");
        require(!filters(bare), at, "'for' with 'if' is not supported");
      }
      // A set with a value is no block.
      if (!(name.equals("set") && bare.contains("="))) {
        open.push(name);
      }
    }
  }

  /** Whether the head of a for has an if outside of parentheses. */
  private static boolean filters(String head) {
    String flat = head;
    for (String previous = ""; !previous.equals(flat); ) {
      previous = flat;
      flat = flat.replaceAll("\\([^()]*\\)|\\[[^\\[\\]]*\\]|\\{[^{}]*\\}", "_");
    }
    return Pattern.compile("\\sif\\s").matcher(flat).find();
  }

  private void raw(int at, int end) {
    leave(end, true);
    Matcher close = END_RAW.matcher(source);
    require(close.find(position), at, "'raw' is not closed");
    out.append("{% raw %}");
    text(close.start(), blockStrip(close.start()));
    out.append("{% endraw %}");
    leave(close.end() - 2, true);
  }

  private enum Strip {
    NOTHING,
    INDENTATION,
    ALL
  }

  private boolean strips(int tag) {
    return source.startsWith("-", tag + 2);
  }

  private Strip blockStrip(int tag) {
    if (strips(tag)) {
      return Strip.ALL;
    }
    return source.startsWith("+", tag + 2) ? Strip.NOTHING : Strip.INDENTATION;
  }

  /** Writes the text between the position and a tag. */
  private void text(int to, Strip strip) {
    String text = source.substring(position, to);
    if (strip == Strip.ALL) {
      text = text.stripTrailing();
    } else if (strip == Strip.INDENTATION) {
      int line = text.lastIndexOf('\n') + 1;
      if ((line > 0 || atLineStart) && text.substring(line).isBlank()) {
        text = text.substring(0, line);
      }
    }
    out.append(text);
  }

  /** Goes on after a tag, and over the white space that it takes with it. */
  private void leave(int end, boolean block) {
    int after = end + 2;
    if (source.charAt(end - 1) == '-') {
      while (after < source.length() && Character.isWhitespace(source.charAt(after))) {
        after++;
      }
    } else if (block && source.charAt(end - 1) != '+' && source.startsWith("\n", after)) {
      after++;
    }
    atLineStart = source.charAt(after - 1) == '\n';
    position = after;
  }

  private int endOfTag(int at, String closing) {
    Matcher string = STRING.matcher(source);
    int i = at + 2;
    while (i < source.length()) {
      char c = source.charAt(i);
      if ((c == '\'' || c == '"') && string.find(i) && string.start() == i) {
        i = string.end();
      } else if (source.startsWith(closing, i) && !(c == '}' && closesMap(at, i))) {
        return i;
      } else {
        i++;
      }
    }
    throw refusal(at, "'" + source.substring(at, at + 2) + "' is not closed");
  }

  /** In {@code {{ {'a': {}}} }} the first braces close maps. */
  private boolean closesMap(int at, int i) {
    String bare = STRING.matcher(source.substring(at + 2, i)).replaceAll("''");
    return bare.chars().filter(c -> c == '{').count() > bare.chars().filter(c -> c == '}').count();
  }

  private String code(int at, int end) {
    int from = at + 2;
    int to = end;
    if (source.charAt(from) == '-' || source.charAt(from) == '+') {
      from++;
    }
    if (to > from && (source.charAt(to - 1) == '-' || source.charAt(to - 1) == '+')) {
      to--;
    }
    String code = source.substring(from, to).strip();
    Matcher filter = FILTER.matcher(STRING.matcher(code).replaceAll("''"));
    while (filter.find()) {
      require(
          knownFilter.test(filter.group(1)), at, "there is no filter '" + filter.group(1) + "'");
    }
    // Jinjava's slices have no step; this is the only one that templates use.
    return withParentheses(apart(code.replace("[::-1]", "|reverse|list")));
  }

  /** Jinjava ends a tag at the first two braces, those of two maps too. */
  private static String apart(String code) {
    var out = new StringBuilder();
    Matcher string = STRING.matcher(code);
    int from = 0;
    while (string.find()) {
      out.append(code.substring(from, string.start()).replace("}", "} ")).append(string.group());
      from = string.end();
    }
    return out.append(code.substring(from).replace("}", "} ")).toString();
  }

  /** Jinjava reads {@code namespace(a=b - 1)} as {@code namespace((a=b) - 1)}. */
  private static String withParentheses(String code) {
    int from = code.indexOf(NAMESPACE);
    if (from < 0) {
      return code;
    }
    var out = new StringBuilder(code.substring(0, from + NAMESPACE.length()));
    Matcher string = STRING.matcher(code);
    int depth = 0;
    boolean inValue = false;
    int i = from + NAMESPACE.length();
    for (; i < code.length() && (depth > 0 || code.charAt(i) != ')'); i++) {
      char c = code.charAt(i);
      if ((c == '\'' || c == '"') && string.find(i) && string.start() == i) {
        out.append(string.group());
        i = string.end() - 1;
        continue;
      }
      if (depth == 0 && inValue && c == ',') {
        out.append(')');
        inValue = false;
      }
      depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
      out.append(c);
      if (depth == 0 && !inValue && c == '=') {
        out.append('(');
        inValue = true;
      }
    }
    return out.append(inValue ? ")" : "").append(code.substring(i)).toString();
  }

  private void require(boolean condition, int at, String reason) {
    if (!condition) {
      throw refusal(at, reason);
    }
  }

  private IllegalArgumentException refusal(int at, String reason) {
    long line = 1 + source.substring(0, at).chars().filter(c -> c == '\n').count();
    return new IllegalArgumentException(
        "The model's chat template cannot be used: line %d: %s".formatted(line, reason));
  }
}
