package io.chasqui.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import java.util.List;
import java.util.Optional;

/**
 * The fields of a request that say how many answers there are, and of how many they are the best.
 *
 * @param n how many are given
 * @param bestOf how many are computed, of which the most likely are given
 * @param beams how to search for the most likely ones, if that is asked for
 */
record ChoicesRequest(int n, int bestOf, Optional<BeamParameters> beams) {
  /**
   * Reads them.
   *
   * @throws ApiException if a value is wrong, or two of them contradict each other
   */
  static ChoicesRequest parse(JsonFields body) {
    int n = choices(body, "n", 1);
    int bestOf = choices(body, "best_of", n);
    if (bestOf < n) {
      throw ApiException.badRequest(
          "best_of", "'best_of' is %d, but 'n' is %d: change one of them.".formatted(bestOf, n));
    }
    var request = new ChoicesRequest(n, bestOf, beams(body, n));
    request.refuseContradictions(body);
    return request;
  }

  private static int choices(JsonFields body, String field, int otherwise) {
    return body.integer(field, 1, GenerationRequest.MOST_CHOICES)
        .map(Long::intValue)
        .orElse(otherwise);
  }

  /** One beam is none: Hugging Face then decodes as if nothing was said of beams. */
  private static Optional<BeamParameters> beams(JsonFields body, int n) {
    int beams =
        body.integer("num_beams", 1, BeamParameters.MAX_BEAMS).map(Long::intValue).orElse(1);
    double most = BeamParameters.MAX_LENGTH_PENALTY;
    Optional<Double> lengthPenalty = body.number("length_penalty", -most, most);
    Optional<EarlyStopping> earlyStopping = earlyStopping(body);
    if (beams == 1) {
      for (String field : List.of("length_penalty", "early_stopping")) {
        if (body.has(field)) {
          throw ApiException.badRequest(
              field,
              "'%s' is for several beams: set 'num_beams', or leave it out.".formatted(field));
        }
      }
      return Optional.empty();
    }
    if (n > beams) {
      throw ApiException.badRequest(
          "n", "'n' is %d, but 'num_beams' is %d: change one of them.".formatted(n, beams));
    }
    return Optional.of(
        new BeamParameters(
            beams, n, lengthPenalty.orElse(1.0), earlyStopping.orElse(EarlyStopping.HEURISTIC)));
  }

  /** {@code true}, {@code false} or {@code "never"}. */
  private static Optional<EarlyStopping> earlyStopping(JsonFields body) {
    JsonNode value = body.get("early_stopping");
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    if (value.isBoolean()) {
      return Optional.of(value.booleanValue() ? EarlyStopping.WHEN_FULL : EarlyStopping.HEURISTIC);
    }
    if (value.isTextual() && value.textValue().equals("never")) {
      return Optional.of(EarlyStopping.NEVER);
    }
    throw body.wrong("early_stopping", "true, false or \"never\"");
  }

  private void refuseContradictions(JsonFields body) {
    if (body.flag("stream")) {
      if (bestOf > n) {
        throw notStreamed("best_of", bestOf);
      }
      if (beams.isPresent()) {
        throw notStreamed("num_beams", beams.get().numBeams());
      }
    }
    if (beams.isPresent()) {
      refuseBesideBeams("best_of", bestOf > n);
      refuseBesideBeams("speculation", !body.text("speculation").orElse("off").equals("off"));
      refuseBesideBeams("echo", body.flag("echo"));
    }
  }

  private static ApiException notStreamed(String field, int value) {
    return ApiException.badRequest(
        field,
        "'%s' is %d, and which answers are the best is known when all have ended: leave it out, or \"stream\"."
            .formatted(field, value));
  }

  private static void refuseBesideBeams(String field, boolean given) {
    if (given) {
      throw ApiException.badRequest(
          field,
          "'%s' and 'num_beams' exclude each other: leave one of them out.".formatted(field));
    }
  }

  void applyTo(GenerationRequest.Builder request) {
    if (beams.isPresent()) {
      request.beams(beams.get());
    } else {
      request.choices(n).bestOf(bestOf);
    }
  }
}
