package io.chasqui.benchmark.results;

/**
 * What is measured.
 *
 * @param name in a table, without its unit
 * @param unit such as {@code ms}, {@code tokens/s} or {@code MB}, which is 10⁶ bytes; empty of a
 *     number or a ratio
 * @param decimals of a value in a table
 */
public record Quantity(String name, String unit, Better better, int decimals) {
  /** One of which less is better. */
  public static Quantity lower(String name, String unit, int decimals) {
    return new Quantity(name, unit, Better.LOWER, decimals);
  }

  /** One of which more is better. */
  public static Quantity higher(String name, String unit, int decimals) {
    return new Quantity(name, unit, Better.HIGHER, decimals);
  }

  /** A count that the same program, asked the same, comes to each time, on every machine. */
  public static Quantity exact(String name) {
    return new Quantity(name, "", Better.EXACT, 0);
  }

  /** A count that only describes a run. */
  public static Quantity count(String name) {
    return new Quantity(name, "", Better.NEITHER, 0);
  }

  String title() {
    return unit.isEmpty() ? name : name + ", " + unit;
  }
}
