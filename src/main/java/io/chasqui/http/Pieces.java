package io.chasqui.http;

import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;

/** Bytes that are collected in pieces, as small as the network is to get them. */
final class Pieces extends OutputStream {
  private static final int PIECE = 16 << 10;

  private final LongConsumer taking;
  private final List<byte[]> full = new ArrayList<>();
  private byte[] last = new byte[0];
  private int used;

  /**
   * @param taking called with its size before each piece; what it throws, the writer gets
   */
  Pieces(LongConsumer taking) {
    this.taking = taking;
  }

  @Override
  public void write(int each) {
    write(new byte[] {(byte) each}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int count) {
    int done = 0;
    while (done < count) {
      if (used == last.length) {
        next();
      }
      int now = Math.min(count - done, last.length - used);
      System.arraycopy(bytes, from + done, last, used, now);
      used += now;
      done += now;
    }
  }

  private void next() {
    taking.accept(PIECE);
    if (used > 0) {
      full.add(last);
    }
    last = new byte[PIECE];
    used = 0;
  }

  /** How many bytes there are. */
  int length() {
    return full.size() * PIECE + used;
  }

  /** All that was written. */
  List<byte[]> all() {
    List<byte[]> all = new ArrayList<>(full);
    if (used > 0) {
      all.add(Arrays.copyOf(last, used));
    }
    return all;
  }
}
