package io.chasqui.http;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The fields of a request's JSON object, read with their types and bounds. A field that is absent
 * or null is the same: not given. Whatever is wrong becomes an {@link ApiException} that names the
 * field and says what to change.
 */
final class JsonFields {
  /** As JSON writes it, and so short that it is an int. */
  private static final Pattern TOKEN_ID = Pattern.compile("0|[1-9][0-9]{0,8}");

  private final String path;
  private final JsonNode node;

  private JsonFields(String path, JsonNode node) {
    this.path = path;
    this.node = node;
  }

  /**
   * Reads a request's body.
   *
   * @throws ApiException if the body is not one JSON object, or a larger one than it may be
   */
  static JsonFields parse(RequestBody body) {
    if (body.length() == 0) {
      throw malformed("The body is empty; send a JSON object.");
    }
    JsonNode node;
    try {
      node = JsonTree.read(body);
    } catch (JsonProcessingException e) {
      throw malformed("The body is not valid JSON: " + reasonOf(e));
    } catch (IOException e) {
      throw malformed("The body is not valid UTF-8.");
    } catch (JsonTree.TooLargeException e) {
      throw ApiException.tooManyValues();
    }
    if (!node.isObject()) {
      throw malformed("The body must be a JSON object, but is " + quote(node) + ".");
    }
    return new JsonFields("", node);
  }

  private static ApiException malformed(String message) {
    return ApiException.of(400, message, null, "invalid_json");
  }

  /** Jackson's reason, without its classes and settings, of which a client knows nothing. */
  private static String reasonOf(JsonProcessingException e) {
    String reason =
        switch (e) {
          case StreamConstraintsException _ ->
              "it is nested too deeply, or has a number or a name that is too long";
          default ->
              e.getOriginalMessage()
                  .replaceAll(
                      "(?s) \\(start marker.*| \\(not recognized.*|: enable `.*| \\(for .*", "");
        };
    JsonLocation at = e.getLocation();
    return at == null
        ? reason
        : "%s (line %d, column %d)".formatted(reason, at.getLineNr(), at.getColumnNr());
  }

  boolean has(String field) {
    return !get(field).isMissingNode();
  }

  /** The field's value; a missing node where it is absent or null. */
  JsonNode get(String field) {
    JsonNode value = node.path(field);
    return value.isNull() ? MissingNode.getInstance() : value;
  }

  Optional<String> text(String field) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw wrong(field, "a string");
    }
    return Optional.of(value.textValue());
  }

  /** Tells this object from others with great probability; the order of its fields counts. */
  int digest() {
    return ByteBuffer.wrap(Sha256.of(node.toString())).getInt();
  }

  String requiredText(String field, String hint) {
    return text(field).orElseThrow(() -> missing(field, hint));
  }

  boolean flag(String field) {
    return choice(field).orElse(false);
  }

  Optional<Boolean> choice(String field) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    if (!value.isBoolean()) {
      throw wrong(field, "true or false");
    }
    return Optional.of(value.booleanValue());
  }

  Optional<Double> number(String field, double min, double max) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    double number = value.doubleValue();
    if (!value.isNumber() || !(number >= min && number <= max)) {
      throw wrong(field, "a number from %s to %s".formatted(plain(min), plain(max)));
    }
    return Optional.of(number);
  }

  Optional<Long> integer(String field, long min, long max) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < min
        || value.longValue() > max) {
      throw wrong(field, "an integer from %d to %d".formatted(min, max));
    }
    return Optional.of(value.longValue());
  }

  /** A string, or an array of strings, as OpenAI's {@code stop}. */
  List<String> oneOrMoreTexts(String field, int most) {
    JsonNode value = get(field);
    List<String> texts = new ArrayList<>();
    if (value.isTextual()) {
      texts.add(value.textValue());
    } else if (value.isArray() && value.size() <= most) {
      value.forEach(each -> texts.add(each.textValue()));
    } else if (!value.isMissingNode()) {
      throw wrong(field, "a string or an array of at most " + most + " strings");
    }
    if (texts.stream().anyMatch(text -> text == null || text.isEmpty())) {
      throw wrong(field, "a string or an array of strings, none of them empty");
    }
    return texts;
  }

  /** An array of token ids; whether they are in the vocabulary is the engine's to say. */
  int[] tokenIds(String field) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      throw missing(field, "send an array of token ids");
    }
    if (!value.isArray()) {
      throw wrong(field, "an array of token ids");
    }
    int[] ids = new int[value.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!value.get(i).isInt()) {
        throw ApiException.badRequest(
            path + field + "[" + i + "]", "A token id must be an integer.");
      }
      ids[i] = value.get(i).intValue();
    }
    return ids;
  }

  /** An object from token ids to numbers, as OpenAI's {@code logit_bias}; absent is empty. */
  Map<Integer, Double> numbersByToken(String field, double min, double max) {
    Map<Integer, Double> numbers = new HashMap<>();
    object(field)
        .ifPresent(object -> {
          for (String token : object.names()) {
            if (!TOKEN_ID.matcher(token).matches()) {
              throw wrong(field, "an object from token ids to numbers");
            }
            double number =
                object.number(token, min, max).orElseThrow(() -> object.wrong(token, "a number"));
            numbers.put(Integer.valueOf(token), number);
          }
        });
    return numbers;
  }

  private Iterable<String> names() {
    return node::fieldNames;
  }

  /** An array of objects, not empty. */
  List<JsonFields> objects(String field, String hint) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      throw missing(field, hint);
    }
    if (!value.isArray() || value.isEmpty()) {
      throw wrong(field, "an array of at least one object");
    }
    List<JsonFields> objects = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      String each = path + field + "[" + i + "]";
      if (!value.get(i).isObject()) {
        throw ApiException.badRequest(
            each, "'%s' must be an object, but is %s.".formatted(each, quote(value.get(i))));
      }
      objects.add(new JsonFields(each + ".", value.get(i)));
    }
    return objects;
  }

  Optional<JsonFields> object(String field) {
    JsonNode value = get(field);
    if (value.isMissingNode()) {
      return Optional.empty();
    }
    if (!value.isObject()) {
      throw wrong(field, "an object");
    }
    return Optional.of(new JsonFields(path + field + ".", value));
  }

  ApiException missing(String field, String hint) {
    return ApiException.of(
        400, "'%s%s' is missing: %s.".formatted(path, field, hint), path + field, "missing_field");
  }

  ApiException wrong(String field, String expected) {
    return ApiException.badRequest(
        path + field,
        "'%s%s' must be %s, but is %s.".formatted(path, field, expected, quote(get(field))));
  }

  private static String quote(JsonNode value) {
    return ApiException.excerpt(value.toString());
  }

  private static String plain(double number) {
    return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
  }
}
