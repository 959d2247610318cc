package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedPrefix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random operations on many sequences, held to {@link NaiveBlocks}, which scans where {@link
 * KvBlocks} counts. Each block has simulated contents: for each position the whole text up to it,
 * which is what the keys and values of a position depend on.
 */
class KvBlocksRandomTest {
  private static final int OPERATIONS = 6000;
  private static final int CAPACITY = 150;
  private static final int TOKENS = 2;
  private static final int SEQUENCES = 12;
  private static final long SEED = 20261;

  /**
   * What came with the model. The second shares 32 tokens with the others, the third is the first
   * and more.
   */
  private static final List<List<Integer>> PREFIXES =
      List.of(
          IntStream.range(0, 64).mapToObj(i -> i % TOKENS).toList(),
          IntStream.range(0, 96).mapToObj(i -> i == 40 ? 1 : i % TOKENS).toList(),
          IntStream.range(0, 112).mapToObj(i -> i % TOKENS).toList());

  /** A sequence, what it should hold, and its double in the reference. */
  private static final class Subject {
    final Sequence sequence;
    final List<Integer> text;
    final NaiveBlocks.Text naive;

    Subject(Sequence sequence, List<Integer> text, NaiveBlocks.Text naive) {
      this.sequence = sequence;
      this.text = text;
      this.naive = naive;
    }
  }

  private final List<Subject> subjects = new ArrayList<>();
  private final List<List<Integer>> closed = new ArrayList<>(List.of(List.of()));
  private Random random;
  private KvBlocks kv;
  private NaiveBlocks naive;

  /** {@code [blocks][16]}: of each position the text that it was computed from. */
  private List<?>[][] contents;

  private int adoptions;
  private int refusals;
  private int copies;
  private int restorations;

  private final class Contents implements KvBlocks.Storage {
    @Override
    public void copyBlock(int from, int to) {
      contents[to] = contents[from].clone();
      copies++;
    }

    @Override
    public void restoreBlock(PackedPrefix prefix, int index, int block) {
      List<Integer> text = Arrays.stream(prefix.tokens()).boxed().toList();
      for (int i = 0; i < BLOCK_POSITIONS; i++) {
        contents[block][i] = text.subList(0, index * BLOCK_POSITIONS + i + 1);
      }
      restorations++;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 11, 40, 200})
  void everyBlockIsWhereTheReferenceHasIt(int blocks) {
    contents = new List<?>[blocks][BLOCK_POSITIONS];
    kv =
        new KvBlocks(
            blocks,
            new Contents(),
            PREFIXES.stream()
                .map(prefix ->
                    new PackedPrefix(
                        prefix.stream().mapToInt(token -> token).toArray(),
                        KvLayout.Type.F16,
                        MemorySegment.NULL))
                .toList());
    naive = new NaiveBlocks(blocks, PREFIXES);
    random = new Random(SEED + blocks);
    for (int i = 0; i < OPERATIONS; i++) {
      String step = "seed " + (SEED + blocks) + ", operation " + i + ": ";
      String operation = "";
      try {
        operation = operate();
        check();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(step + operation, e);
      }
    }
    String counts =
        "%d adoptions, %d copies, %d restorations, %d refusals"
            .formatted(adoptions, copies, restorations, refusals);
    assertTrue(restorations > 5, counts);
    assertTrue(blocks < 11 || (adoptions > 30 && copies > 30), counts);
    assertTrue(blocks > 40 || refusals > 30, counts);
    closeAll();
    everythingCanBeEvicted();
  }

  private String operate() {
    if (subjects.isEmpty() || (subjects.size() < SEQUENCES && random.nextInt(6) == 0)) {
      return begin();
    }
    Subject subject = subjects.get(random.nextInt(subjects.size()));
    return switch (random.nextInt(12)) {
      case 0 -> close(subject);
      case 1 -> subjects.size() < SEQUENCES ? fork(subject) : close(subject);
      case 2 ->
          truncate(subject, subject.text.size() - random.nextInt(subject.text.size() + 1) / 3);
      case 3 -> truncate(subject, Math.max(0, subject.text.size() - random.nextInt(5)));
      case 4, 5 -> publish(subject);
      case 6 -> reserve(subject, random.nextInt(1 + CAPACITY - subject.text.size()));
      case 7 -> append(subject, 50);
      default -> append(subject, 6);
    };
  }

  private String close(Subject subject) {
    subject.naive.close();
    subject.sequence.close();
    subjects.remove(subject);
    closed.add(subject.text);
    return "close";
  }

  private String fork(Subject subject) {
    Sequence fork = subject.sequence.fork();
    subjects.add(new Subject(fork, new ArrayList<>(subject.text), subject.naive.fork()));
    return "fork";
  }

  private static String publish(Subject subject) {
    subject.naive.publish();
    subject.sequence.publish();
    return "publish";
  }

  private static String reserve(Subject subject, int positions) {
    assertEquals(subject.naive.tryReserve(positions), subject.sequence.tryReserve(positions));
    return "reserve " + positions;
  }

  /** A new sequence: one of three tenants, or one that opts out. */
  private String begin() {
    Subject subject = new Subject(new Sequence(kv, CAPACITY), new ArrayList<>(), naive.empty());
    subjects.add(subject);
    long salt = random.nextInt(4);
    if (salt == 3) {
      return "begin without the cache";
    }
    int[] prompt = prompt();
    int adopted = subject.sequence.adopt(prompt, salt);
    assertEquals(subject.naive.adopt(prompt, salt), adopted);
    assertTrue(adopted < prompt.length);
    Arrays.stream(prompt, 0, adopted).forEach(subject.text::add);
    adoptions += adopted > 0 ? 1 : 0;
    return "adopt " + adopted + " of " + prompt.length;
  }

  /** One of the last texts with another end. */
  private int[] prompt() {
    List<Integer> like = closed.get(closed.size() - 1 - random.nextInt(Math.min(5, closed.size())));
    int[] tokens = new int[1 + random.nextInt(CAPACITY)];
    int common = random.nextInt(tokens.length + 1);
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = i < Math.min(common, like.size()) ? like.get(i) : token(i);
    }
    return tokens;
  }

  /** Seldom another than the position's usual one, so that texts are equal by chance. */
  private int token(int position) {
    return random.nextInt(60) == 0 ? random.nextInt(TOKENS) : position % TOKENS;
  }

  private static String truncate(Subject subject, int length) {
    subject.naive.truncate(length);
    subject.sequence.truncate(length);
    subject.text.subList(length, subject.text.size()).clear();
    return "truncate to " + length;
  }

  private String append(Subject subject, int most) {
    int length = subject.text.size();
    int count = Math.min(random.nextInt(most), CAPACITY - length);
    boolean reserved = subject.sequence.tryReserve(count);
    assertEquals(subject.naive.tryReserve(count), reserved);
    if (!reserved) {
      refusals++;
      return "append " + count + ", refused";
    }
    int[] table = table(subject.sequence);
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = token(length + i);
      subject.text.add(tokens[i]);
      int position = length + i;
      contents[table[position / BLOCK_POSITIONS]][position % BLOCK_POSITIONS] =
          List.copyOf(subject.text);
    }
    subject.sequence.append(tokens);
    subject.naive.append(tokens);
    return "append " + count;
  }

  private void check() {
    assertEquals(naive.free(), kv.free(), "free blocks");
    assertEquals(naive.cached(), kv.cached(), "cached blocks");
    assertEquals(naive.used(), kv.used(), "used blocks");
    Map<Integer, Integer> users = new HashMap<>();
    for (Subject subject : subjects) {
      int[] table = table(subject.sequence);
      assertEquals(subject.naive.blocks.size(), table.length, "blocks of a sequence");
      Set<Integer> own = new HashSet<>();
      for (int block : table) {
        assertTrue(own.add(block), "a block is twice in a table");
        users.merge(block, 1, Integer::sum);
      }
      assertEquals(subject.text.size(), subject.sequence.length());
      for (int i = 0; i < subject.text.size(); i++) {
        assertEquals(
            subject.text.subList(0, i + 1),
            contents[table[i / BLOCK_POSITIONS]][i % BLOCK_POSITIONS],
            "position " + i);
      }
    }
    assertEquals(users.size(), kv.used(), "blocks in tables");
    for (int block = 0; block < kv.blocks(); block++) {
      assertEquals(users.getOrDefault(block, 0), kv.references(block), "users of block " + block);
    }
  }

  private static int[] table(Sequence sequence) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(4L * KvLayout.blocks(CAPACITY));
      sequence.copyBlocks(to);
      return Arrays.copyOf(to.toArray(ValueLayout.JAVA_INT), sequence.blocks());
    }
  }

  private void closeAll() {
    for (Subject subject : subjects) {
      subject.naive.close();
      subject.sequence.close();
    }
    subjects.clear();
    check();
    assertEquals(kv.blocks(), kv.free() + kv.cached());
  }

  private void everythingCanBeEvicted() {
    try (Sequence all = new Sequence(kv, kv.blocks() * BLOCK_POSITIONS)) {
      all.reserve(kv.blocks() * BLOCK_POSITIONS);
      assertEquals(kv.blocks(), kv.used());
    }
    assertEquals(kv.blocks(), kv.free());
  }
}
