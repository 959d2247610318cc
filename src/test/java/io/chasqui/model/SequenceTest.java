package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.pack.PackedPrefix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SequenceTest {
  private static final int CAPACITY = 128;

  private final List<String> copies = new ArrayList<>();
  private final KvBlocks kv = new KvBlocks(8, new Storage(), List.of());

  private final class Storage implements KvBlocks.Storage {
    @Override
    public void copyBlock(int from, int to) {
      copies.add(from + ">" + to);
    }

    @Override
    public void restoreBlock(PackedPrefix prefix, int index, int block) {
      throw new AssertionError("there is no prefix");
    }
  }

  private static int[] text(int length) {
    return IntStream.range(100, 100 + length).toArray();
  }

  private Sequence empty() {
    return new Sequence(kv, CAPACITY);
  }

  private static void append(Sequence sequence, int... tokens) {
    sequence.reserve(tokens.length);
    sequence.append(tokens);
  }

  /** Computes a text as a request does that takes part in the prefix cache. */
  private Sequence computed(int[] tokens, long salt) {
    Sequence sequence = empty();
    int adopted = sequence.adopt(tokens, salt);
    append(sequence, Arrays.copyOfRange(tokens, adopted, tokens.length));
    sequence.publish();
    return sequence;
  }

  @Test
  void anAdoptedPrefixEndsWhereTheTokensDifferAndBeforeTheLast() {
    computed(text(64), 0).close();
    assertEquals(0, empty().adopt(text(16), 0));
    assertEquals(16, empty().adopt(text(17), 0));
    assertEquals(48, empty().adopt(text(64), 0));
    assertEquals(64, empty().adopt(text(100), 0));
    int[] other = text(65);
    other[40] = 7;
    assertEquals(32, empty().adopt(other, 0));
  }

  @Test
  void aPartialBlockIsNotAdopted() {
    computed(text(31), 0).close();
    assertEquals(16, empty().adopt(text(32), 0));
  }

  @Test
  void equalTokensAfterAnotherBeginningAreNotAdopted() {
    computed(text(32), 0).close();
    int[] tail = Arrays.copyOfRange(text(64), 16, 64);
    assertEquals(0, empty().adopt(tail, 0));
  }

  @Test
  void anotherSaltFindsNothing() {
    computed(text(32), 1).close();
    assertEquals(0, empty().adopt(text(33), 2));
    assertEquals(32, empty().adopt(text(33), 1));
  }

  @Test
  void aSequenceThatDoesNotAdoptPublishesNothing() {
    Sequence sequence = empty();
    append(sequence, text(32));
    sequence.publish();
    assertEquals(0, empty().adopt(text(33), 0));
    sequence.close();
    assertEquals(8, kv.free());
  }

  @Test
  void whatComesBeforeTheFirstPublishIsNotFound() {
    Sequence sequence = empty();
    sequence.adopt(text(32), 0);
    append(sequence, text(32));
    assertEquals(0, empty().adopt(text(33), 0));
    sequence.publish();
    assertEquals(32, empty().adopt(text(33), 0));
  }

  @Test
  void twoThatComputeTheSameShareItWhenTheyPublish() {
    Sequence first = empty();
    Sequence second = empty();
    for (Sequence sequence : List.of(first, second)) {
      sequence.adopt(text(40), 0);
      append(sequence, text(40));
    }
    assertEquals(6, kv.used());
    first.publish();
    second.publish();
    assertEquals(4, kv.used());
    first.close();
    second.close();
    assertEquals(2, kv.cached());
    assertEquals(6, kv.free());
  }

  @Test
  void theTextUsedLeastRecentlyLosesItsEndFirst() {
    computed(text(64), 1).close();
    computed(text(64), 2).close();
    Sequence again = empty();
    again.adopt(text(64), 1);
    again.close();
    Sequence other = empty();
    other.reserve(32);
    // The last block of salt 1 has not been used again: 48 positions of 64 were adopted.
    assertEquals(48, empty().adopt(text(65), 1));
    assertEquals(48, empty().adopt(text(65), 2));
  }

  @Test
  void reservingIsAllOrNothing() {
    Sequence first = empty();
    first.reserve(6 * 16);
    Sequence second = empty();
    assertFalse(second.tryReserve(33));
    assertEquals(2, kv.free());
    assertThrows(IllegalStateException.class, () -> second.reserve(33));
    assertTrue(second.tryReserve(32));
    assertEquals(0, kv.free());
  }

  @Test
  void blocksInUseAreNeverEvicted() {
    Sequence sequence = computed(text(128), 0);
    assertFalse(empty().tryReserve(1));
    sequence.truncate(112);
    assertTrue(empty().tryReserve(1));
  }

  @Test
  void aForkCopiesTheLastBlockWhenItIsWrittenAndOnlyOnce() {
    Sequence sequence = computed(text(40), 0);
    Sequence fork = sequence.fork();
    assertEquals(3, kv.used());
    append(fork, 1);
    append(fork, 2);
    append(sequence, 3);
    append(sequence, 4);
    assertEquals(4, kv.used());
    assertEquals(1, copies.size());
    fork.publish();
    fork.close();
    sequence.close();
    assertEquals(2, kv.cached());
  }

  @Test
  void writingIntoASharedBlockNeedsABlockForTheCopy() {
    Sequence sequence = computed(text(40), 0);
    Sequence fork = sequence.fork();
    Sequence other = empty();
    other.reserve(5 * 16);
    assertFalse(fork.tryReserve(1));
    assertTrue(copies.isEmpty());
    sequence.close();
    assertTrue(fork.tryReserve(1));
    assertTrue(copies.isEmpty());
  }

  @Test
  void aBlockThatOthersReadIsCopiedAfterATruncationIntoIt() {
    Sequence sequence = computed(text(32), 0);
    Sequence reader = empty();
    reader.adopt(text(33), 0);
    sequence.truncate(20);
    append(sequence, 5);
    assertEquals(1, copies.size());
    assertEquals(32, empty().adopt(text(33), 0));
  }

  @Test
  void aBlockThatNobodyElseReadsIsNoLongerOfferedWhenItIsWrittenAgain() {
    Sequence sequence = computed(text(64), 0);
    sequence.truncate(20);
    append(sequence, 5);
    assertTrue(copies.isEmpty());
    assertEquals(16, empty().adopt(text(65), 0));
    append(sequence, Arrays.copyOfRange(text(64), 21, 64));
    sequence.publish();
    int[] changed = text(65);
    changed[20] = 5;
    assertEquals(16, empty().adopt(text(65), 0));
    assertEquals(64, empty().adopt(changed, 0));
  }

  @Test
  void aSequenceAloneCanHaveAllBlocksWhateverIsCached() {
    Sequence sequence = computed(text(128), 0);
    for (int length : new int[] {120, 65, 17, 1}) {
      sequence.truncate(length);
      append(sequence, text(128 - length));
      sequence.publish();
      assertEquals(8, kv.used(), "after " + length);
    }
  }

  @Test
  void aClosedSequenceIsAsNew() {
    Sequence sequence = computed(text(33), 3);
    sequence.close();
    append(sequence, text(16));
    sequence.publish();
    sequence.close();
    assertEquals(32, sequence.adopt(text(33), 3));
  }

  @Test
  void mistakesAreRefused() {
    Sequence sequence = empty();
    sequence.reserve(1);
    assertThrows(IllegalStateException.class, () -> sequence.adopt(text(17), 0));
    assertThrows(IllegalArgumentException.class, () -> sequence.tryReserve(CAPACITY + 1));
    assertThrows(IllegalArgumentException.class, () -> sequence.tryReserve(-1));
    assertThrows(IllegalArgumentException.class, () -> sequence.truncate(1));
    assertThrows(IllegalArgumentException.class, () -> empty().adopt(text(CAPACITY + 1), 0));
  }
}
