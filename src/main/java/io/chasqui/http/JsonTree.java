package io.chasqui.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/**
 * Reads JSON into a tree of bounded size. A few bytes of JSON, such as {@code {"":{}}}, make a
 * hundred times as many of a tree, so that the length of a body says little.
 */
final class JsonTree {
  // Estimates of what the JVM takes, with references of 4 bytes.
  private static final int OBJECT = 120;
  private static final int FIELD = 48;
  private static final int ARRAY = 72;
  private static final int VALUE = 24;
  private static final int TEXT = 64;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          // Strangers choose the names: the JVM's own table of strings is not for them.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final JsonParser parser;
  private long left;

  /** The tree would be larger than it may be. */
  static final class TooLargeException extends RuntimeException {}

  private JsonTree(JsonParser parser, long bytes) {
    this.parser = parser;
    left = bytes;
  }

  /**
   * Reads one value and nothing after it.
   *
   * @throws IOException if it is not JSON
   * @throws TooLargeException if the tree would be larger than it may be
   */
  static JsonNode read(RequestBody body) throws IOException {
    try (JsonParser parser = FACTORY.createParser(body.bytes(), 0, body.length())) {
      var tree = new JsonTree(parser, body.treeBytes());
      parser.nextToken();
      JsonNode node = tree.value();
      if (parser.nextToken() != null) {
        throw new JsonParseException(parser, "something follows the end of the object");
      }
      return node;
    }
  }

  private void take(long bytes) {
    left -= bytes;
    if (left < 0) {
      throw new TooLargeException();
    }
  }

  private JsonNode value() throws IOException {
    return switch (parser.currentToken()) {
      case null -> MissingNode.getInstance();
      case START_OBJECT -> object();
      case START_ARRAY -> array();
      case VALUE_STRING -> {
        String text = parser.getText();
        take(TEXT + 2L * text.length());
        yield NODES.textNode(text);
      }
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number();
      case VALUE_TRUE -> NODES.booleanNode(true);
      case VALUE_FALSE -> NODES.booleanNode(false);
      default -> NODES.nullNode();
    };
  }

  private JsonNode number() throws IOException {
    take(VALUE + 2L * parser.getTextLength());
    return switch (parser.getNumberType()) {
      case INT -> NODES.numberNode(parser.getIntValue());
      case LONG -> NODES.numberNode(parser.getLongValue());
      case BIG_INTEGER -> NODES.numberNode(parser.getBigIntegerValue());
      case FLOAT, DOUBLE, BIG_DECIMAL -> NODES.numberNode(parser.getDoubleValue());
    };
  }

  private ObjectNode object() throws IOException {
    take(OBJECT);
    ObjectNode object = NODES.objectNode();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      take(FIELD + TEXT + 2L * name.length());
      parser.nextToken();
      object.set(name, value());
    }
    return object;
  }

  private ArrayNode array() throws IOException {
    take(ARRAY);
    ArrayNode array = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      take(Integer.BYTES);
      array.add(value());
    }
    return array;
  }
}
