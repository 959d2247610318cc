package io.chasqui.tokenizer;

/**
 * Joins the matches of a {@link PreTokenizer.Split} with the text between them as its behavior
 * asks. Segments come in order, without gaps; at most one is held back.
 */
final class Segments {
  private final String text;
  private final boolean atStart;
  private final PreTokenizer.Sink sink;
  private final PreTokenizer.Behavior behavior;
  private final boolean invert;

  private int heldFrom;
  private int heldTo;
  private boolean heldIsMatch;
  private boolean holds;

  Segments(String text, boolean atStart, PreTokenizer.Sink sink, PreTokenizer.Split split) {
    this.text = text;
    this.atStart = atStart;
    this.sink = sink;
    this.behavior = split.behavior();
    this.invert = split.invert();
  }

  /** Adds the segment from the end of the last one up to an index; nothing if it would be empty. */
  void add(int to, boolean isMatch) {
    if (to == heldTo) {
      return;
    }
    boolean delimits = isMatch != invert;
    if (holds && joins(delimits)) {
      heldTo = to;
    } else {
      finish();
      heldFrom = heldTo;
      heldTo = to;
      holds = true;
    }
    heldIsMatch = delimits;
  }

  private boolean joins(boolean isMatch) {
    return switch (behavior) {
      case ISOLATED, REMOVED -> false;
      case CONTIGUOUS -> isMatch == heldIsMatch;
      case MERGED_WITH_PREVIOUS -> isMatch && !heldIsMatch;
      case MERGED_WITH_NEXT -> !isMatch && heldIsMatch;
    };
  }

  /** Passes on what is held back. */
  void finish() {
    if (holds && !(behavior == PreTokenizer.Behavior.REMOVED && heldIsMatch)) {
      sink.accept(text.substring(heldFrom, heldTo), atStart && heldFrom == 0);
    }
    holds = false;
  }
}
