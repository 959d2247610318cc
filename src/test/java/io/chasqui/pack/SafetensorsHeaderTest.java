package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsHeaderTest {
  private static final int DEMO_HEADER_END = 6032;

  @TempDir Path directory;

  @Test
  void theDemoModelIsRead() {
    SafetensorsHeader header = SafetensorsHeader.read("demo", demo());

    assertEquals(DEMO_HEADER_END, header.dataOffset());
    assertEquals(Map.of("format", "pt"), header.metadata());
    assertEquals(56, header.tensors().size());
    assertEquals(
        new SafetensorsHeader.Tensor(
            "model.embed_tokens.weight",
            SafetensorsHeader.Dtype.BF16,
            List.of(2048L, 256L),
            0,
            1048576),
        header.tensors().get("model.embed_tokens.weight"));
  }

  @Test
  void aFileIsReadAsItsContentsAre() throws IOException {
    Path file = directory.resolve("model.safetensors");
    Files.write(file, demo().array());

    assertEquals(SafetensorsHeader.read("demo", demo()), SafetensorsHeader.read(file));
  }

  @Test
  void aScalarAndAnEmptyTensorAreAccepted() {
    SafetensorsHeader header =
        read(
            """
            {"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},\
            "e":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}}\
            """,
            4);

    assertEquals(List.of(), header.tensors().get("s").shape());
    assertEquals(0, header.tensors().get("e").bytes());
  }

  @Test
  void aFourBitTensorTakesHalfAByteAValue() {
    SafetensorsHeader header =
        read("{\"w\":{\"dtype\":\"Q4\",\"shape\":[2,32],\"data_offsets\":[0,32]}}", 32);

    assertEquals(32, header.tensors().get("w").bytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'w':{'dtype':'F9','shape':[1],'data_offsets':[0,4]}} | 4 | dtype 'F9' is not supported",
        "{'w':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | 4 | negative number",
        "{'w':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}} | 4 | whole numbers",
        "{'w':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,4]}} | 4 | any file",
        "{'w':{'dtype':'F32','shape':[2305843009213693952],'data_offsets':[0,4]}} | 4 | any file",
        "{'w':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}} | 4 | range",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}} | 4 | before they begin",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}} | 4 | two numbers",
        "{'w':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | 4 | takes 8 bytes",
        "{'w':{'dtype':'Q4','shape':[3],'data_offsets':[0,2]}} | 2 | whole bytes",
        "{'w':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 4 | incomplete",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | 8 | belong to no tensor",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 5 | after the last tensor",
        "{'w':{'dtype':'F32','shape':[1]}} | 4 | must all be there",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'x':1}} | 4 | unknown field",
        "{'w':{'dtype':'F32','dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 4 | Duplicate",
        "{'w':7} | 4 | must be an object",
        "{'__metadata__':{'w':7}} | 0 | must be text",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} {} | 4 | more than one",
        "{'w':{'dtype':'F32','shape':[1],'data_offsets':[0,4]} | 4 | not well-formed",
        "[{'w':1}] | 0 | not a JSON object",
      })
  void aBrokenRuleIsNamed(String json, int dataBytes, String reason) {
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> read(json.replace('\'', '"'), dataBytes));

    assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    assertTrue(refusal.getMessage().startsWith("f.safetensors, "), refusal.getMessage());
  }

  @Test
  void overlappingTensorsAreRefusedByName() {
    ModelFormatException refusal =
        assertThrows(
            ModelFormatException.class,
            () ->
                read(
                    """
                    {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},\
                    "b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}\
                    """,
                    6));

    assertTrue(refusal.getMessage().contains("b, at byte"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("overlaps"), refusal.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"-1", "0", "1", "100000001", "9223372036854775807", "9"})
  void anImpossibleHeaderLengthIsRefusedBeforeAnythingIsAllocated(long length) {
    ByteBuffer file = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);

    assertThrows(ModelFormatException.class, () -> SafetensorsHeader.read("f", file));
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    byte[] whole = new EmbeddedModel().require(SafetensorsFiles.SINGLE);
    Path file = directory.resolve("truncated.safetensors");
    for (int length = 0; length < whole.length; length += length < 6200 ? 1 : 99_991) {
      ByteBuffer truncated = ByteBuffer.wrap(whole, 0, length);
      assertThrows(
          ModelFormatException.class,
          () -> SafetensorsHeader.read("f", truncated),
          "length " + length);
      if (length % 500 == 0) {
        Files.write(file, Arrays.copyOf(whole, length));
        assertThrows(ModelFormatException.class, () -> SafetensorsHeader.read(file));
      }
    }
  }

  @Test
  void aFlippedBitIsAcceptedOrRefusedAndNothingElse() {
    ByteBuffer file = demo();
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int position = 0; position < DEMO_HEADER_END; position++) {
      byte original = file.get(position);
      int bit = random.nextInt(Byte.SIZE);
      file.put(position, (byte) (original ^ 1 << bit));
      readOrRefuse(file, "seed " + seed + ", byte " + position + ", bit " + bit);
      file.put(position, original);
    }
    assertEquals(56, SafetensorsHeader.read("f", file).tensors().size());
  }

  @Test
  void aRandomlyDamagedHeaderIsAcceptedOrRefusedAndNothingElse() {
    byte[] original = demo().array().clone();
    ByteBuffer file = demo();
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] symbols = "{}[]\",:-0123456789eE.\\u\0\u007f ".getBytes(StandardCharsets.UTF_8);
    int refused = 0;
    for (int round = 0; round < 2000; round++) {
      for (int mutation = random.nextInt(1, 6); mutation > 0; mutation--) {
        int position = random.nextInt(DEMO_HEADER_END);
        switch (random.nextInt(4)) {
          case 0 -> file.put(position, symbols[random.nextInt(symbols.length)]);
          case 1 -> file.put(position, (byte) random.nextInt());
          case 2 -> file.put(random.nextInt(Long.BYTES), (byte) random.nextInt());
          default -> {
            int length = random.nextInt(1, Math.min(64, DEMO_HEADER_END - position + 1));
            int from = random.nextInt(Long.BYTES, DEMO_HEADER_END - length);
            file.put(position, original, from, length);
          }
        }
      }
      if (!readOrRefuse(file, "seed " + seed + ", round " + round)) {
        refused++;
      }
      file.put(0, original, 0, DEMO_HEADER_END + 64);
    }
    assertTrue(refused > 1000, "only " + refused + " refused, seed " + seed);
  }

  private static boolean readOrRefuse(ByteBuffer file, String what) {
    try {
      SafetensorsHeader.read("f", file);
      return true;
    } catch (ModelFormatException e) {
      return false;
    } catch (RuntimeException e) {
      throw new AssertionError(what, e);
    }
  }

  private static SafetensorsHeader read(String json, int dataBytes) {
    return SafetensorsHeader.read("f.safetensors", ByteBuffer.wrap(safetensors(json, dataBytes)));
  }

  static byte[] safetensors(String json, int dataBytes) {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }

  private static ByteBuffer demo() {
    return ByteBuffer.wrap(new EmbeddedModel().require(SafetensorsFiles.SINGLE));
  }
}
