package io.chasqui.http;

import io.chasqui.estimate.Device;
import io.chasqui.estimate.MemoryQuestion;
import io.chasqui.estimate.ModelShape;
import io.chasqui.estimate.Precision;
import io.chasqui.kernel.KvLayout;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The parameters of an address that asks for an estimate. Unlike fields of a body, one that nobody
 * knows is refused: its answer would look right.
 *
 * @param model the name of the one that is asked for
 * @param shape of a model that is not served here
 */
record EstimateQuery(Optional<String> model, Optional<ModelShape> shape, MemoryQuestion question) {
  private static final List<String> QUESTION =
      List.of("model", "context", "batch", "precision", "kv", "device", "training");
  private static final List<String> SHAPE =
      List.of("parameters", "layers", "hidden", "intermediate", "kv_heads", "head_dim");

  /**
   * @throws ApiException if a parameter is unknown, missing, given twice or malformed
   */
  static EstimateQuery parse(Map<String, List<String>> parameters) {
    for (Map.Entry<String, List<String>> parameter : parameters.entrySet()) {
      requireKnownOnce(parameter.getKey(), parameter.getValue());
    }
    var query = new Values(parameters);
    Optional<ModelShape> shape = shape(query);
    Optional<String> model = query.text("model");
    if (model.isPresent() && shape.isPresent()) {
      throw ApiException.badRequest("model", "Give a 'model' or a shape, not both.");
    }
    return new EstimateQuery(
        model,
        shape,
        new MemoryQuestion(
            query.choice("device", Device.values()),
            query.flag("training"),
            query.choice("precision", Precision.values()),
            query.choice("kv", KvLayout.Type.values()),
            query.integer("context"),
            query.integer("batch")));
  }

  private static void requireKnownOnce(String name, List<String> values) {
    if (!QUESTION.contains(name) && !SHAPE.contains(name)) {
      throw ApiException.badRequest(
          ApiException.excerpt(name),
          "There is no parameter '%s'; there are %s."
              .formatted(
                  ApiException.excerpt(name),
                  Stream.concat(QUESTION.stream(), SHAPE.stream())
                      .collect(Collectors.joining(", "))));
    }
    if (values.size() > 1) {
      throw ApiException.badRequest(name, "'%s' is given twice.".formatted(name));
    }
  }

  private static Optional<ModelShape> shape(Values query) {
    List<String> missing = SHAPE.stream().filter(name -> query.text(name).isEmpty()).toList();
    if (missing.size() == SHAPE.size()) {
      return Optional.empty();
    }
    if (!missing.isEmpty()) {
      throw ApiException.badRequest(
          missing.getFirst(),
          "Give %s too: a shape is %s."
              .formatted(String.join(", ", missing), String.join(", ", SHAPE)));
    }
    return Optional.of(
        ApiException.blaming(
            null,
            () ->
                new ModelShape(
                    query.number("parameters", BigDecimal::longValueExact).orElseThrow(),
                    query.integer("layers").orElseThrow(),
                    query.integer("hidden").orElseThrow(),
                    query.integer("intermediate").orElseThrow(),
                    query.integer("kv_heads").orElseThrow(),
                    query.integer("head_dim").orElseThrow())));
  }

  /** Values by their names, each with one. */
  private record Values(Map<String, List<String>> parameters) {
    Optional<String> text(String name) {
      return Optional.ofNullable(parameters.get(name)).map(List::getFirst);
    }

    Optional<Integer> integer(String name) {
      return number(name, BigDecimal::intValueExact);
    }

    /** A whole number, which may be written as 6e9. */
    <N> Optional<N> number(String name, Function<BigDecimal, N> exactly) {
      return text(name)
          .map(text -> {
            try {
              return exactly.apply(new BigDecimal(text));
            } catch (ArithmeticException | NumberFormatException e) {
              throw mistake(name, "a whole number that is not too large");
            }
          });
    }

    boolean flag(String name) {
      return switch (text(name).orElse("false")) {
        case "true" -> true;
        case "false" -> false;
        default -> throw mistake(name, "true or false");
      };
    }

    <E extends Enum<E>> Optional<E> choice(String name, E[] values) {
      return text(name)
          .map(text ->
              Arrays.stream(values)
                  .filter(value -> lowerCase(value).equals(text))
                  .findFirst()
                  .orElseThrow(() ->
                      mistake(
                          name,
                          Arrays.stream(values)
                              .map(Values::lowerCase)
                              .collect(Collectors.joining(", ")))));
    }

    private static String lowerCase(Enum<?> value) {
      return value.name().toLowerCase(Locale.ROOT);
    }

    private ApiException mistake(String name, String expected) {
      return ApiException.badRequest(
          name,
          "'%s' must be %s, but is '%s'."
              .formatted(name, expected, ApiException.excerpt(text(name).orElseThrow())));
    }
  }
}
