package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * Byte-pair encoding of pre-tokens (Sennrich, Haddow and Birch 2016, "Neural Machine Translation of
 * Rare Words with Subword Units"): the merge of lowest rank first, the leftmost of equals.
 *
 * <p>Candidates wait in a heap over a linked list of symbols, so that n symbols take O(n log n)
 * steps. A candidate that an earlier merge has overtaken is recognized when it is taken out.
 */
final class BytePairEncoder {
  private static final byte[] HEX = "0123456789ABCDEF".getBytes(UTF_8);

  private final LongIntTable rankOfPair;
  private final int[] mergedOfRank;
  private final LongIntTable idOfCodePoint;
  private final int[] idOfByte = new int[256];
  private final ByteTable wholePieces;
  private final int[] fallbackOfByte = new int[256];
  private final TokenizerTables.Model model;
  private final boolean byteLevel;

  BytePairEncoder(CompiledTables tables) {
    model = tables.rules().model();
    byteLevel = tables.rules().byteLevel();
    rankOfPair = tables.rankOfPair();
    mergedOfRank = tables.mergedOfRank();
    idOfCodePoint = tables.idOfCodePoint();
    wholePieces = tables.wholePieces().orElse(null);
    for (int value = 0; value < 256; value++) {
      idOfByte[value] = idOfCodePoint.get(ByteAlphabet.character(value));
      byte[] name = {'<', '0', 'x', HEX[value >> 4], HEX[value & 15], '>'};
      fallbackOfByte[value] = model.byteFallback() ? tables.idOfPiece().get(name) : -1;
    }
  }

  /** A new working memory; it belongs to one thread. */
  Run newRun(IntList out) {
    return new Run(out);
  }

  /** The working memory of one text, reused from one pre-token to the next. */
  final class Run {
    private static final int END = -1;
    private static final int MERGED_AWAY = -1;

    private final IntList out;
    private int size;
    private int[] symbols = new int[64];
    private int[] previous = new int[64];
    private int[] next = new int[64];
    private final MergeHeap heap = new MergeHeap();
    private boolean unknownPending;

    private Run(IntList out) {
      this.out = out;
    }

    /** Encodes one pre-token. */
    void encode(String piece) {
      byte[] utf8 = byteLevel || wholePieces != null ? piece.getBytes(UTF_8) : null;
      if (wholePieces != null) {
        int whole = wholePieces.get(utf8);
        if (whole >= 0) {
          out.add(whole);
          return;
        }
      }
      size = 0;
      if (byteLevel) {
        ensureCapacity(utf8.length);
        for (byte value : utf8) {
          int id = idOfByte[value & 0xFF];
          if (id >= 0) {
            known(id);
          } else {
            unknown(ByteAlphabet.character(value & 0xFF));
          }
        }
      } else {
        for (int i = 0; i < piece.length(); ) {
          int codePoint = piece.codePointAt(i);
          i += Character.charCount(codePoint);
          int id = idOfCodePoint.get(codePoint);
          if (id >= 0) {
            known(id);
          } else {
            unknown(codePoint);
          }
        }
      }
      flushUnknown();
      merge();
    }

    private void known(int id) {
      flushUnknown();
      push(id);
    }

    private void unknown(int codePoint) {
      if (model.byteFallback() && fallBack(codePoint)) {
        return;
      }
      if (model.unknownId() >= 0) {
        if (!model.fuseUnknown()) {
          flushUnknown();
        }
        unknownPending = true;
      }
    }

    private void flushUnknown() {
      if (unknownPending) {
        unknownPending = false;
        push(model.unknownId());
      }
    }

    private boolean fallBack(int codePoint) {
      byte[] utf8 = Character.toString(codePoint).getBytes(UTF_8);
      for (byte value : utf8) {
        if (fallbackOfByte[value & 0xFF] < 0) {
          return false;
        }
      }
      for (byte value : utf8) {
        push(fallbackOfByte[value & 0xFF]);
      }
      return true;
    }

    private void push(int id) {
      ensureCapacity(size + 1);
      symbols[size++] = id;
    }

    private void ensureCapacity(int needed) {
      if (needed > symbols.length) {
        int capacity = Math.max(needed, 2 * symbols.length);
        symbols = Arrays.copyOf(symbols, capacity);
        previous = new int[capacity];
        next = new int[capacity];
      }
    }

    private void merge() {
      for (int i = 0; i < size; i++) {
        previous[i] = i - 1;
        next[i] = i + 1;
      }
      if (size > 0) {
        next[size - 1] = END;
      }
      for (int i = 0; i + 1 < size; i++) {
        offer(i, i + 1);
      }
      while (!heap.isEmpty()) {
        long candidate = heap.poll();
        int left = (int) candidate;
        int merged = mergedOfRank[(int) (candidate >>> 32)];
        if (symbols[left] == MERGED_AWAY || next[left] == END) {
          continue;
        }
        int right = next[left];
        int rank = rankOfPair.get(LongIntTable.pair(symbols[left], symbols[right]));
        if (rank < 0 || mergedOfRank[rank] != merged) {
          continue;
        }
        symbols[left] = merged;
        symbols[right] = MERGED_AWAY;
        int after = next[right];
        next[left] = after;
        if (after != END) {
          previous[after] = left;
          offer(left, after);
        }
        if (previous[left] != END) {
          offer(previous[left], left);
        }
      }
      for (int i = 0; i >= 0 && i < size; i = next[i]) {
        out.add(symbols[i]);
      }
    }

    private void offer(int left, int right) {
      int rank = rankOfPair.get(LongIntTable.pair(symbols[left], symbols[right]));
      if (rank >= 0) {
        heap.add((long) rank << 32 | left);
      }
    }
  }
}
