package io.chasqui.sampling;

import java.util.Arrays;
import java.util.List;

/** The output of a sequence, as its last token and what is before: beams that begin alike share. */
final class Output {
  /** No token. */
  static final Output EMPTY = new Output(null, 0, null, 0);

  private final Output before;
  private final int token;
  private final TokenLogprobs logprobs;
  private final int length;

  private Output(Output before, int token, TokenLogprobs logprobs, int length) {
    this.before = before;
    this.token = token;
    this.logprobs = logprobs;
    this.length = length;
  }

  /** This and a token after it. */
  Output followedBy(int next, TokenLogprobs nextLogprobs) {
    return new Output(this, next, nextLogprobs, length + 1);
  }

  int length() {
    return length;
  }

  int lastToken() {
    return token;
  }

  int[] tokens() {
    int[] tokens = new int[length];
    for (Output each = this; each.length > 0; each = each.before) {
      tokens[each.length - 1] = each.token;
    }
    return tokens;
  }

  List<TokenLogprobs> logprobs() {
    var list = new TokenLogprobs[length];
    for (Output each = this; each.length > 0; each = each.before) {
      list[each.length - 1] = each.logprobs;
    }
    return List.copyOf(Arrays.asList(list));
  }
}
