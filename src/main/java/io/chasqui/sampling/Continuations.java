package io.chasqui.sampling;

/** Those of the highest rank, in this order, whatever order they came in. */
final class Continuations {
  private final Continuation[] best;
  private int size;

  /**
   * @param capacity how many are kept
   */
  Continuations(int capacity) {
    best = new Continuation[capacity];
  }

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  /** The i-th, from 0: the one of the highest rank. */
  Continuation get(int i) {
    return best[i];
  }

  /** What has a lower rank than this is not kept. */
  double bound() {
    return size < best.length ? Double.NEGATIVE_INFINITY : best[size - 1].rank();
  }

  /** Keeps one if it is among the best. What is impossible, of rank minus infinity, never is. */
  void offer(Continuation one) {
    if (!(one.rank() > Double.NEGATIVE_INFINITY)) {
      return;
    }
    int place = placeOf(one);
    if (place == best.length) {
      return;
    }
    size = Math.min(size + 1, best.length);
    System.arraycopy(best, place, best, place + 1, size - 1 - place);
    best[place] = one;
  }

  private int placeOf(Continuation one) {
    int from = 0;
    int to = size;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (best[middle].isBefore(one)) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }
}
