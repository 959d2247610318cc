package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lists of numbers as llama-bench takes them: numbers and ranges with commas between them, a range
 * being {@code first-last}, {@code first-last+step} or {@code first-last*factor}.
 */
public final class NumberRanges {
  private static final Pattern ITEM =
      Pattern.compile("(\\d{1,9})(?:-(\\d{1,9})(?:([+*])(\\d{1,9}))?)?");
  private static final int MAX_NUMBERS = 10_000;

  private NumberRanges() {}

  /**
   * Reads a list.
   *
   * @param least the smallest number that is allowed
   * @throws IllegalArgumentException if the text is no such list, with what is wrong
   */
  public static List<Integer> parse(String text, int least) {
    var numbers = new ArrayList<Integer>();
    for (String item : text.split(",", -1)) {
      Matcher range = ITEM.matcher(item);
      if (!range.matches()) {
        throw new IllegalArgumentException(
            "'%s' is neither a number nor a range like 1-8, 1-8+2 or 1-8*2".formatted(item));
      }
      add(range, numbers);
      if (numbers.size() > MAX_NUMBERS) {
        throw new IllegalArgumentException(
            "'%s' has more than %d numbers".formatted(text, MAX_NUMBERS));
      }
    }
    for (int number : numbers) {
      if (number < least) {
        throw new IllegalArgumentException("%d is less than %d".formatted(number, least));
      }
    }
    return numbers;
  }

  private static void add(Matcher range, List<Integer> numbers) {
    int first = Integer.parseInt(range.group(1));
    int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
    boolean isProduct = "*".equals(range.group(3));
    int step = range.group(4) == null ? 1 : Integer.parseInt(range.group(4));
    if (last < first || step == 0 || (isProduct && (first == 0 || step == 1))) {
      throw new IllegalArgumentException("the range '%s' never ends".formatted(range.group()));
    }
    for (long n = first; n <= last && numbers.size() <= MAX_NUMBERS; ) {
      numbers.add((int) n);
      n = isProduct ? n * step : n + step;
    }
  }
}
