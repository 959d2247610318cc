package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertLinesMatch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a user types into a terminal, and what he sees: a block of Markdown that begins with {@code
 * ```console}. A line after {@code "$ "} is a command, which goes on after a backslash; the lines
 * that follow are its output. One command starts the server, {@code NAME=VALUE ./chasqui serve &},
 * with any number of settings.
 *
 * @param line where it begins in its document, from 1
 * @param setup what is typed before the server is started
 * @param settings environment variables that the server is started with
 * @param exchanges what is typed then
 */
record Transcript(
    int line, List<Exchange> setup, Map<String, String> settings, List<Exchange> exchanges) {
  private static final String BEGIN = "```console";
  private static final String END = "```";
  private static final String PROMPT = "$ ";
  private static final Pattern SERVE = Pattern.compile("((?:[A-Z_]+=\\S+ )*)[.]/chasqui serve &");

  /**
   * A command and its output, of which some may be left out: {@code ...} stands for any part of a
   * line or, where it is all of it, for some lines.
   */
  record Exchange(String command, List<String> output) {
    private static final String ELISION = "...";

    /** What another run prints otherwise, and what stands for it then. */
    private static final Map<Pattern, String> VARYING =
        Map.of(
            Pattern.compile("\\b[0-9a-f]{32}\\b"),
            "<answer>",
            Pattern.compile("\\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\b"),
            "<request>",
            Pattern.compile("(?<=\"created\":)[0-9]+"),
            "<time>",
            Pattern.compile("(?<=\"(limit|heap)\":)[0-9]+"),
            "<bytes of this machine>",
            Pattern.compile("(?<=Retry-After: |try again in )[0-9]+"),
            "<seconds>");

    /** Fails unless the command has printed this, or this and then empty lines. */
    void requireOutput(String printed) {
      List<String> lines = printed.stripTrailing().lines().map(Exchange::withoutVarying).toList();
      assertLinesMatch(
          output.stream().map(Exchange::pattern).toList(), lines, () -> command + "\n" + printed);
    }

    private static String withoutVarying(String line) {
      String same = line;
      for (var each : VARYING.entrySet()) {
        same = each.getKey().matcher(same).replaceAll(each.getValue());
      }
      return same;
    }

    /** A line as {@code assertLinesMatch} takes it. */
    private static String pattern(String line) {
      return line.equals(ELISION)
          ? ">> left out >>"
          : Arrays.stream(withoutVarying(line).split(Pattern.quote(ELISION), -1))
              .map(Pattern::quote)
              .collect(Collectors.joining(".*"));
    }
  }

  /**
   * All transcripts of a section.
   *
   * @param heading the section's, of the second level
   * @throws IllegalArgumentException if there is none, or one that cannot be replayed
   */
  static List<Transcript> in(String markdown, String heading) {
    List<Transcript> found = new ArrayList<>();
    List<String> lines = markdown.lines().toList();
    int begin = lines.indexOf("## " + heading);
    for (int i = begin + 1; begin >= 0 && i < lines.size() && !isSection(lines.get(i)); i++) {
      if (lines.get(i).equals(BEGIN)) {
        int end = i + lines.subList(i, lines.size()).indexOf(END);
        found.add(parse(i + 1, lines.subList(i + 1, end)));
        i = end;
      }
    }
    if (found.isEmpty()) {
      throw new IllegalArgumentException("no transcript under '## " + heading + "'");
    }
    return found;
  }

  private static boolean isSection(String line) {
    return line.startsWith("## ");
  }

  private static Transcript parse(int line, List<String> block) {
    List<Exchange> all = exchanges(line, block);
    for (int i = 0; i < all.size(); i++) {
      Matcher serve = SERVE.matcher(all.get(i).command());
      if (serve.matches()) {
        List<Exchange> after = all.subList(i + 1, all.size());
        return new Transcript(line, all.subList(0, i), settings(serve.group(1)), after);
      }
    }
    throw new IllegalArgumentException("line " + line + ": no command starts the server");
  }

  private static List<Exchange> exchanges(int line, List<String> block) {
    List<Exchange> exchanges = new ArrayList<>();
    for (int i = 0; i < block.size(); ) {
      if (!block.get(i).startsWith(PROMPT)) {
        throw new IllegalArgumentException("line " + line + ": output without a command");
      }
      int last = i;
      while (block.get(last).endsWith("\\")) {
        last++;
      }
      int next = last + 1;
      while (next < block.size() && !block.get(next).startsWith(PROMPT)) {
        next++;
      }
      String command = String.join("\n", block.subList(i, last + 1)).substring(PROMPT.length());
      exchanges.add(new Exchange(command, block.subList(last + 1, next)));
      i = next;
    }
    return exchanges;
  }

  private static Map<String, String> settings(String assignments) {
    Map<String, String> settings = new LinkedHashMap<>();
    for (String each : assignments.strip().split(" ", -1)) {
      if (!each.isEmpty()) {
        int equals = each.indexOf('=');
        settings.put(each.substring(0, equals), each.substring(equals + 1));
      }
    }
    return settings;
  }

  /** How a failed test calls it. */
  @Override
  public String toString() {
    return "line " + line;
  }
}
