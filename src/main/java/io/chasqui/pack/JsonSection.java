package io.chasqui.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A value inside a JSON file that knows where it stands, so that whoever finds it wrong can say so.
 * Every accessor throws {@link ModelFormatException} where the value has another type.
 */
record JsonSection(String file, String path, JsonNode node) {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Parses a whole file, whose root must be an object. */
  static JsonSection parse(String file, byte[] json) {
    try {
      JsonNode root = MAPPER.readTree(json);
      if (root == null || !root.isObject()) {
        throw new ModelFormatException(file, "", "the file must contain a JSON object");
      }
      return new JsonSection(file, "", root);
    } catch (JsonProcessingException e) {
      long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
      var failure =
          new ModelFormatException(file, "", offset, "not valid JSON: " + e.getOriginalMessage());
      failure.initCause(e);
      throw failure;
    } catch (IOException e) {
      var failure = new ModelFormatException(file, "", "not readable: " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }

  /** A member that must be there. */
  JsonSection get(String name) {
    return find(name).orElseThrow(() -> fail("\"" + name + "\" is missing"));
  }

  /** A member that may be absent or null. */
  Optional<JsonSection> find(String name) {
    if (!node.isObject()) {
      throw fail("must be an object");
    }
    JsonNode member = node.get(name);
    return member == null || member.isNull()
        ? Optional.empty()
        : Optional.of(new JsonSection(file, path.isEmpty() ? name : path + "." + name, member));
  }

  /** A string. */
  String text() {
    if (!node.isTextual()) {
      throw fail("must be a string");
    }
    return node.textValue();
  }

  String text(String name) {
    return get(name).text();
  }

  boolean flag(String name, boolean ifAbsent) {
    Optional<JsonSection> member = find(name);
    if (member.isEmpty()) {
      return ifAbsent;
    }
    if (!member.get().node.isBoolean()) {
      throw member.get().fail("must be true or false");
    }
    return member.get().node.booleanValue();
  }

  int integer() {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw fail("must be an integer of 32 bits");
    }
    return node.intValue();
  }

  /** An array of integers of 32 bits. */
  int[] integers() {
    if (!node.isArray()) {
      throw fail("must be an array");
    }
    int[] values = new int[node.size()];
    for (int i = 0; i < values.length; i++) {
      // A place is made where something is wrong only: there may be thousands.
      JsonNode element = node.get(i);
      values[i] =
          element.isIntegralNumber() && element.canConvertToInt()
              ? element.intValue()
              : element(i, element).integer();
    }
    return values;
  }

  int integer(String name) {
    return get(name).integer();
  }

  /** A whole number of 64 bits. */
  long longInteger(String name) {
    JsonSection member = get(name);
    if (!member.node.isIntegralNumber() || !member.node.canConvertToLong()) {
      throw member.fail("must be an integer of 64 bits");
    }
    return member.node.longValue();
  }

  /** A finite number. */
  double number() {
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw fail("must be a number");
    }
    return node.doubleValue();
  }

  double number(String name) {
    return get(name).number();
  }

  List<JsonSection> elements() {
    if (!node.isArray()) {
      throw fail("must be an array");
    }
    var elements = new ArrayList<JsonSection>(node.size());
    for (JsonNode element : node) {
      elements.add(element(elements.size(), element));
    }
    return elements;
  }

  private JsonSection element(int index, JsonNode element) {
    return new JsonSection(file, path + "[" + index + "]", element);
  }

  /** What to throw when this value is wrong. */
  ModelFormatException fail(String reason) {
    return new ModelFormatException(file, path, reason);
  }

  /** What to throw when this value names a family that our own decoder does not know. */
  UnknownFamilyException unknownFamily(String reason) {
    return new UnknownFamilyException(file, path, reason);
  }

  ModelFormatException fail(IllegalArgumentException cause) {
    ModelFormatException failure = fail(cause.getMessage());
    failure.initCause(cause);
    return failure;
  }
}
