package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTreeTest {
  private static final ObjectMapper JACKSON = new ObjectMapper();
  private static final long MUCH = 100L << 20;

  private static JsonNode read(String json, long bytes) throws IOException {
    byte[] utf8 = json.getBytes(StandardCharsets.UTF_8);
    return JsonTree.read(new RequestBody(utf8, utf8.length, bytes));
  }

  @Test
  void aTreeIsWhatJacksonReads() throws IOException {
    long seed = Long.getLong("seed", new Random().nextLong());
    var random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      String json = random(random, 4).toString();
      assertEquals(JACKSON.readTree(json), read(json, MUCH), "seed " + seed);
    }
  }

  private static JsonNode random(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 9 : 7)) {
      case 0 -> JACKSON.nullNode();
      case 1 -> JACKSON.getNodeFactory().booleanNode(random.nextBoolean());
      case 2 -> JACKSON.getNodeFactory().numberNode(random.nextInt());
      case 3 -> JACKSON.getNodeFactory().numberNode(Long.MAX_VALUE - random.nextInt());
      case 4 -> JACKSON.getNodeFactory().numberNode(random.nextGaussian());
      case 5 -> JACKSON.getNodeFactory().numberNode(new BigInteger(200, random));
      case 6 -> JACKSON.getNodeFactory().textNode("é\n\"x😀".substring(random.nextInt(5)));
      case 7 -> {
        ArrayNode array = JACKSON.createArrayNode();
        for (int i = random.nextInt(5); i > 0; i--) {
          array.add(random(random, depth - 1));
        }
        yield array;
      }
      default -> {
        ObjectNode object = JACKSON.createObjectNode();
        for (int i = random.nextInt(5); i > 0; i--) {
          object.set("name" + i, random(random, depth - 1));
        }
        yield object;
      }
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "{}", "\"\"", "{\"a\":1}", "1.5", "null"})
  void aTreeTakesNoMoreThanItMay(String value) throws IOException {
    String json = "[" + (value + ",").repeat(10_000) + "0]";

    read(json, MUCH);
    assertThrows(JsonTree.TooLargeException.class, () -> read(json, 30_000));
  }

  @Test
  void aLongTextTakesNoMoreThanItMay() {
    String json = "\"" + "a".repeat(10_000) + "\"";

    assertThrows(JsonTree.TooLargeException.class, () -> read(json, 10_000));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"a\":1,\"a\":2}", "{} {}", "[1,]", "{\"a\"", "[", "nul", "[1]]", "{\"a\":}"})
  void whatIsNotJsonIsRefused(String json) {
    assertThrows(JsonProcessingException.class, () -> read(json, MUCH));
  }

  @Test
  void valuesThatAreNestedTooDeeplyAreRefused() {
    String json = "[".repeat(100_000);

    assertThrows(JsonProcessingException.class, () -> read(json, MUCH));
  }
}
