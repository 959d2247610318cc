package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.chasqui.kernel.DType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is in a file, it is opened or it is refused with a {@link ModelFormatException}. */
class PackedModelFuzzTest {
  private static final int ROUNDS = 10_000;

  /** What checking the file itself takes is a tenth of this. */
  private static final long MAX_ALLOCATED_BYTES = 100_000_000;

  private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?(E-?\\d+)?");
  private static final List<String> ABSURD =
      List.of(
          "0",
          "-1",
          "1",
          "31",
          "32",
          "4096",
          "65536",
          "2147483647",
          "2147483648",
          "4294967296",
          "-2147483648",
          "9223372036854775807",
          "9223372036854775808",
          "1e308",
          "1e-308",
          "1e999",
          "null",
          "true",
          "[]",
          "{}",
          "\"\"",
          "0.5",
          "123456789012345678901234567890");

  @TempDir Path directory;

  private Path path;
  private byte[] original;
  private FileChannel file;
  private int tokenizerOffset;
  private int weightsOffset;

  private enum Mutation {
    BIT_FLIPS,
    TRUNCATION,
    EXTENSION,
    PREFIX,
    SEALED_HEADER,
    SEALED_TOKENIZER
  }

  @BeforeEach
  void packTheDemoModel() throws IOException {
    path = directory.resolve("demo.chasqui");
    ModelPacker.pack(new EmbeddedModel(), path, DType.Q4, Progress.NONE);
    original = Files.readAllBytes(path);
    file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    tokenizerOffset = PackHeader.PREFIX_BYTES + buffer(original).getInt(12);
    String header = json();
    MatchResult weights =
        Pattern.compile("\"name\":\"weights\",\"offset\":(\\d+)")
            .matcher(header)
            .results()
            .findFirst()
            .orElseThrow();
    weightsOffset = Integer.parseInt(weights.group(1));
  }

  @AfterEach
  void close() throws IOException {
    file.close();
  }

  @Test
  void mutationsAreAcceptedOrRefused() throws IOException {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Map<Mutation, Integer> accepted = new EnumMap<>(Mutation.class);
    for (int round = 0; round < ROUNDS; round++) {
      Mutation mutation = Mutation.values()[random.nextInt(Mutation.values().length)];
      byte[] mutated = mutate(mutation, random);
      write(mutated);
      String what = mutation + " in round " + round + " of seed " + seed;
      long before = threads.getCurrentThreadAllocatedBytes();
      if (isAccepted(what)) {
        accepted.merge(mutation, 1, Integer::sum);
        assertTrue(
            mutation == Mutation.SEALED_HEADER
                || mutation == Mutation.SEALED_TOKENIZER
                || isHarmless(mutated),
            what);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < MAX_ALLOCATED_BYTES, what + " allocated " + allocated);
      change(mutated, original);
    }
    // Some constants of a header may have other values; a check that refuses all would find none.
    assertTrue(accepted.getOrDefault(Mutation.SEALED_HEADER, 0) > 10, accepted.toString());
    assertEquals(-1, Arrays.mismatch(original, Files.readAllBytes(path)));
  }

  /** Zeros between sections are under no digest. */
  private boolean isHarmless(byte[] mutated) {
    for (int i = 0; i < Math.max(mutated.length, original.length); i++) {
      boolean between = i >= weightsOffset - PackHeader.SECTION_ALIGNMENT && i < weightsOffset;
      if (!between && (i >= mutated.length || i >= original.length || mutated[i] != original[i])) {
        return false;
      }
    }
    return true;
  }

  private boolean isAccepted(String what) {
    try {
      PackedModel.verify(path, Progress.NONE);
      try (PackedModel model = PackedModel.open(path)) {
        model.tokenizer().decode(model.tokenizer().encode("A fox \ud83d\ude00", true), false);
        model.matrix("model.embed_tokens.weight").data().get(ValueLayout.JAVA_BYTE, 0);
      }
      return true;
    } catch (ModelFormatException e) {
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what, e);
    }
  }

  private byte[] mutate(Mutation mutation, SplittableRandom random) {
    byte[] bytes = original.clone();
    switch (mutation) {
      case BIT_FLIPS -> {
        int limit = random.nextBoolean() ? weightsOffset : bytes.length;
        for (int flips = random.nextInt(1, 9); flips > 0; flips--) {
          bytes[random.nextInt(limit)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case TRUNCATION -> {
        return Arrays.copyOf(bytes, random.nextInt(random.nextBoolean() ? 64 : bytes.length));
      }
      case EXTENSION -> {
        return Arrays.copyOf(bytes, bytes.length + random.nextInt(1, 10_000));
      }
      case PREFIX -> {
        int[] values = {0, 1, 2, -1, 64 << 20, (64 << 20) - 48, Integer.MAX_VALUE, 4048, 12_240};
        int value = random.nextInt(3) == 0 ? random.nextInt() : values[random.nextInt(9)];
        buffer(bytes).putInt(4 * random.nextInt(12), value);
      }
      case SEALED_HEADER -> {
        String json = mutateJson(json().stripTrailing(), random);
        return withHeader(bytes, json);
      }
      case SEALED_TOKENIZER -> {
        for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
          int range = random.nextBoolean() ? 600 : weightsOffset - 4096 - tokenizerOffset;
          bytes[tokenizerOffset + random.nextInt(range)] ^= (byte) (1 << random.nextInt(8));
        }
        return sealTokenizer(bytes);
      }
    }
    return bytes;
  }

  private static String mutateJson(String json, SplittableRandom random) {
    StringBuilder text = new StringBuilder(json);
    for (int edits = random.nextInt(1, 3); edits > 0; edits--) {
      List<MatchResult> numbers = NUMBER.matcher(text).results().toList();
      MatchResult number = numbers.get(random.nextInt(numbers.size()));
      switch (random.nextInt(5)) {
        case 0 ->
            text.replace(number.start(), number.end(), ABSURD.get(random.nextInt(ABSURD.size())));
        case 1 ->
            text.replace(
                number.start(), number.end(), numbers.get(random.nextInt(numbers.size())).group());
        case 2 -> text.insert(number.end(), random.nextInt(10));
        case 3 -> text.setCharAt(random.nextInt(text.length()), (char) random.nextInt(0x20, 0x7f));
        default -> {
          int from = random.nextInt(text.length());
          text.delete(from, Math.min(text.length(), from + random.nextInt(1, 40)));
        }
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"layers\":6        | \"layers\":1000           | tensors: are 44, but the model needs",
        "\"layers\":6        | \"layers\":2147483647     | layers must be from 1 to 1024",
        "\"hidden\":256      | \"hidden\":2147483616     | hidden must be from 1",
        "\"hidden\":256      | \"hidden\":250            | multiple of 32",
        "\"kv_heads\":4      | \"kv_heads\":0            | kvHeads must be from 1 to 8",
        "\"kv_heads\":4      | \"kv_heads\":3            | heads must be a multiple of 3",
        "\"vocabulary\":2048 | \"vocabulary\":4096       | must have the shape",
        "\"vocabulary\":2048 | \"vocabulary\":2046       | must be a token id below 2046",
        "\"rope_theta\":10000.0 | \"rope_theta\":0.0     | ropeTheta must be a positive number",
        "\"llama\"           | \"gemma\"                 | \"gemma\" is unknown",
        "\"tokenizer\"       | \"weights\"               | sections[0]: must be tokenizer",
        "\"dtype\":\"Q4\"    | \"dtype\":\"Q2\"          | there is no type",
        "\"dtype\":\"Q4\"    | \"dtype\":\"Q8\"          | must have 557056 bytes",
        "\"offset\":294912   | \"offset\":294913         | must begin at byte 294912",
        "\"tied_embeddings\":true | \"tied_embeddings\":false | are 44, but the model needs 45",
        "\"eos_token\":      | \"\":                     | \"eos_token\" is missing",
      })
  void aHeaderThatIsWrongIsRefusedWithItsReason(String part, String by, String reason)
      throws IOException {
    String json = json();
    assertTrue(json.contains(part.strip()), json);
    write(withHeader(original.clone(), json.replaceFirst(Pattern.quote(part), by).stripTrailing()));

    ModelFormatException refusal = refusal();
    assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
  }

  /** Of the file, which is that of the same bytes in memory. */
  private ModelFormatException refusal() throws IOException {
    var bytes = new ByteArrayInputStream(Files.readAllBytes(path));
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> PackedModel.open(path));
    assertEquals(
        refusal.getMessage(),
        assertThrows(ModelFormatException.class, () -> PackedModel.copy("demo.chasqui", bytes))
            .getMessage());
    return refusal;
  }

  @Test
  void aHeaderOfTwoGigabytesIsRefused() throws IOException {
    byte[] bytes = original.clone();
    buffer(bytes).putInt(12, Integer.MAX_VALUE - 47);
    write(bytes);

    ModelFormatException refusal = refusal();
    assertEquals("header", refusal.section());
    assertEquals(12, refusal.offset());
  }

  @Test
  void aDamagedWeightOpensButIsFoundByVerify() throws IOException {
    byte[] bytes = original.clone();
    bytes[weightsOffset + 12_345] ^= 1;
    write(bytes);

    PackedModel.open(path).close();
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> PackedModel.verify(path, Progress.NONE));
    assertEquals("weights", refusal.section());
    assertEquals(weightsOffset, refusal.offset());
  }

  @Test
  void aFileThatIsNoPackedModelIsTold() throws IOException {
    Path json = Files.writeString(directory.resolve("config.json"), "{}".repeat(100));

    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> PackedModel.open(json));
    assertTrue(refusal.getMessage().contains("is not a packed model"), refusal.getMessage());
    assertThrows(ModelFormatException.class, () -> PackedModel.open(directory.resolve("nothing")));
    assertThrows(ModelFormatException.class, () -> PackedModel.open(directory));
  }

  private String json() {
    return new String(
        original, PackHeader.PREFIX_BYTES, tokenizerOffset - PackHeader.PREFIX_BYTES, ISO_8859_1);
  }

  /** Puts a header, as far as there is room for it, with its right digest. */
  private byte[] withHeader(byte[] bytes, String json) {
    byte[] header =
        Arrays.copyOf(
            json.getBytes(ISO_8859_1),
            Math.min(json.length(), tokenizerOffset - PackHeader.PREFIX_BYTES));
    ModelPacker.prefixed(header, tokenizerOffset).get(bytes, 0, tokenizerOffset);
    return bytes;
  }

  private byte[] sealTokenizer(byte[] bytes) {
    MatchResult length =
        Pattern.compile(
                "\"tokenizer\",\"offset\":\\d+,\"length\":(\\d+),\"sha256\":\"([0-9a-f]+)\"")
            .matcher(json())
            .results()
            .findFirst()
            .orElseThrow();
    int end = tokenizerOffset + Integer.parseInt(length.group(1));
    byte[] section = Arrays.copyOfRange(bytes, tokenizerOffset, end);
    String sha256 = HexFormat.of().formatHex(Sha256.of(section));
    return withHeader(bytes, json().stripTrailing().replace(length.group(2), sha256));
  }

  private void write(byte[] bytes) throws IOException {
    change(original, bytes);
  }

  /** Makes the file hold {@code to}, given that it holds {@code from}; writes what differs. */
  private void change(byte[] from, byte[] to) throws IOException {
    int page = 1 << 16;
    for (int begin = 0; begin < to.length; begin += page) {
      int end = Math.min(to.length, begin + page);
      if (end > from.length || !Arrays.equals(from, begin, end, to, begin, end)) {
        file.write(ByteBuffer.wrap(to, begin, end - begin), begin);
      }
    }
    file.truncate(to.length);
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
