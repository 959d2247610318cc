package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
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
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
  private int prefixesOffset;

  private enum Mutation {
    BIT_FLIPS,
    TRUNCATION,
    EXTENSION,
    PREFIX,
    SEALED_HEADER,
    SEALED_TOKENIZER
  }

  @BeforeEach
  void packTheDemoModelWithPrefixes() throws IOException {
    path = directory.resolve("demo.chasqui");
    ModelPacker.pack(new EmbeddedModel(), path, DType.Q4, Progress.NONE);
    PrefixWriter.write(
        path,
        List.of(prefix(KvLayout.Type.F16, 48), prefix(KvLayout.Type.I8, 16)),
        path,
        Progress.NONE);
    original = Files.readAllBytes(path);
    file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    tokenizerOffset = PackHeader.PREFIX_BYTES + buffer(original).getInt(12);
    weightsOffset = offset("weights");
    prefixesOffset = offset("prefixes");
  }

  private int offset(String section) {
    MatchResult offset =
        Pattern.compile("\"name\":\"" + section + "\",\"offset\":(\\d+)")
            .matcher(json())
            .results()
            .findFirst()
            .orElseThrow();
    return Integer.parseInt(offset.group(1));
  }

  /** Any bits will do: nobody computes with them here. */
  private static PackedPrefix prefix(KvLayout.Type type, int tokens) {
    ModelConfig config = ModelConfig.read(new EmbeddedModel());
    long bytes = config.layers() * config.kvLayout(type).blockBytes() * (tokens / 16);
    byte[] blocks = new byte[(int) bytes];
    new SplittableRandom(tokens).nextBytes(blocks);
    return new PackedPrefix(
        IntStream.range(1000, 1000 + tokens).toArray(), type, MemorySegment.ofArray(blocks));
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
      boolean between = isJustBefore(weightsOffset, i) || isJustBefore(prefixesOffset, i);
      if (!between && (i >= mutated.length || i >= original.length || mutated[i] != original[i])) {
        return false;
      }
    }
    return true;
  }

  private static boolean isJustBefore(int section, int i) {
    return i >= section - PackHeader.SECTION_ALIGNMENT && i < section;
  }

  private boolean isAccepted(String what) {
    try {
      PackedModel.verify(path, Progress.NONE);
      try (PackedModel model = PackedModel.open(path)) {
        model.tokenizer().decode(model.tokenizer().encode("A fox \ud83d\ude00", true), false);
        model.matrix("model.embed_tokens.weight").data().get(ValueLayout.JAVA_BYTE, 0);
        for (PackedPrefix prefix : model.prefixes()) {
          assertSound(prefix, model.config());
        }
      }
      return true;
    } catch (ModelFormatException e) {
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what, e);
    }
  }

  /** Whoever reads it relies on this. */
  private static void assertSound(PackedPrefix prefix, ModelConfig config) {
    int[] tokens = prefix.tokens();
    assertTrue(tokens.length > 0 && tokens.length % 16 == 0 && tokens.length <= config.context());
    assertTrue(Arrays.stream(tokens).allMatch(id -> id >= 0 && id < config.vocabulary()));
    long bytes =
        config.layers() * config.kvLayout(prefix.type()).blockBytes() * (tokens.length / 16);
    assertEquals(bytes, prefix.blocks().byteSize());
    prefix.blocks().get(ValueLayout.JAVA_BYTE, bytes - 1);
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
        "\"name\":\"demo\"   | \"name\":\"de\\\\nmo\"     | name: a model's name must not have control",
        "\"name\":\"demo\"   | \"name\":\"d\\\\u202emo\"  | line breaks: d\\x{202e}mo",
        "\"name\":\"demo\"   | \"name\":\" \"         | a model's name must not be blank",
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
        "\"prefixes\",\"off   | \"suffixes\",\"off         | sections[2]: must be prefixes",
        "\"prefixes\":[      | \"\":[                    | prefixes and their section need each",
        "\"prefixes\":[{     | \"prefixes\":[],\"x\":[{    | prefixes and their section need each",
        "\"prefixes\":[      | \"prefixes\":{}, \"x\":[    | prefixes: must be an array",
        "[1000,1001,         | [1000,                   | must be a multiple of 16 tokens",
        "[1000,              | [-1,                     | -1 is no token id below 2048",
        "[1000,              | [2048,                   | 2048 is no token id below 2048",
        "[1000,              | [1.5,                    | prefixes[0].tokens[0]: must be an integer",
        "\"tokens\":[1000,    | \"tokens\":0,\"x\":[1000,  | prefixes[0].tokens: must be an array",
        "\"kv\":\"F16\"       | \"kv\":\"F8\"              | no type \"F8\" of keys and values",
        "\"kv\":\"F16\"       | \"kv\":\"I8\"              | must have 82944 bytes",
        "\"kv\":\"F16\",\"offset\":0 | \"kv\":\"F16\",\"offset\":64 | prefixes[0]: must begin at byte 0",
        "\"kv\":\"I8\",\"offset\":147456 | \"kv\":\"I8\",\"offset\":0 | must begin at byte 147456",
        "\"context\":512     | \"context\":32            | tokens, at most 32, not 48",
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

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPrefixThatDoesNotFillItsSectionIsRefused(boolean tooShort) throws IOException {
    String one = json().replaceAll(",\\{\"tokens\":\\[[0-9,]*],\"kv\":\"I8\"[^}]*}", "");
    String three = json().replaceAll("(\\{\"tokens\":\\[[0-9,]*],\"kv\":\"I8\"[^}]*})", "$1,$1");
    three = three.replaceFirst("(?s)(\"kv\":\"I8\".*\"offset\":)147456", "$1175104");

    write(withHeader(original.clone(), (tooShort ? one : three).stripTrailing()));

    String reason = refusal().getMessage();
    assertTrue(
        reason.contains(tooShort ? "end at byte 147456 of 175104" : "ends after its section"),
        reason);
  }

  @Test
  void aFlippedBitOfAPrefixOpensButIsFoundByVerify() throws IOException {
    byte[] bytes = original.clone();
    bytes[bytes.length - 1] ^= 1;
    write(bytes);

    PackedModel.open(path).close();
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> PackedModel.verify(path, Progress.NONE));
    assertEquals("prefixes", refusal.section());
  }

  @Test
  void prefixesAreNotAddedToAModelThatIsDamaged() throws IOException {
    byte[] bytes = original.clone();
    bytes[weightsOffset + 12_345] ^= 1;
    write(bytes);
    Path target = directory.resolve("copy.chasqui");

    ModelFormatException refusal =
        assertThrows(
            ModelFormatException.class,
            () -> PrefixWriter.write(path, List.of(), target, Progress.NONE));
    assertEquals("weights", refusal.section());
    assertFalse(Files.exists(target));
  }

  @Test
  void withoutItsPrefixesAFileIsWhatItWasBefore() throws IOException {
    Path before = directory.resolve("before.chasqui");
    ModelPacker.pack(new EmbeddedModel(), before, DType.Q4, Progress.NONE);
    Path after = directory.resolve("after.chasqui");

    PrefixWriter.write(path, List.of(), after, Progress.NONE);

    assertEquals(-1, Files.mismatch(before, after));
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
    PackedFileWriter.prefixed(header, tokenizerOffset).get(bytes, 0, tokenizerOffset);
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
