package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;

/**
 * The fields of a request that say how many answers there are.
 *
 * @param n how many are given
 * @param bestOf how many are computed, of which the most likely are given
 */
record ChoicesRequest(int n, int bestOf) {
  /**
   * Reads them.
   *
   * @throws ApiException if a value is wrong, or two of them contradict each other
   */
  static ChoicesRequest parse(JsonFields body, boolean stream) {
    int n = choices(body, "n", 1);
    int bestOf = choices(body, "best_of", n);
    if (bestOf < n) {
      throw ApiException.badRequest(
          "best_of", "'best_of' is %d, but 'n' is %d: change one of them.".formatted(bestOf, n));
    }
    if (bestOf > n && stream) {
      throw ApiException.badRequest(
          "best_of",
          "Which of %d answers are the best is known when all have ended: leave \"stream\" out, or 'best_of'."
              .formatted(bestOf));
    }
    return new ChoicesRequest(n, bestOf);
  }

  private static int choices(JsonFields body, String field, int otherwise) {
    return body.integer(field, 1, GenerationRequest.MOST_CHOICES)
        .map(Long::intValue)
        .orElse(otherwise);
  }

  void applyTo(GenerationRequest.Builder request) {
    request.choices(n).bestOf(bestOf);
  }
}
