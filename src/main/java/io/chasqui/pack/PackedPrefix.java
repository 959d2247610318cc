package io.chasqui.pack;

import io.chasqui.kernel.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Tokens that prompts begin with, and what a decoder computes of them, stored with the model so
 * that no process has to.
 *
 * @param tokens a multiple of {@value KvLayout#BLOCK_POSITIONS}
 * @param type how keys and values are stored
 * @param blocks {@code [tokens ÷ 16, layers]}: KV blocks as {@link KvLayout} has them. What is in
 *     them is not checked: nothing is wrong with any bits but that the tokens that follow are
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, and nobody writes to it
public record PackedPrefix(int[] tokens, KvLayout.Type type, MemorySegment blocks) {
  /** Whether a text of at least {@code count} tokens has the same first {@code count} tokens. */
  public boolean begins(int[] text, int count) {
    return count <= tokens.length && Arrays.equals(tokens, 0, count, text, 0, count);
  }
}
