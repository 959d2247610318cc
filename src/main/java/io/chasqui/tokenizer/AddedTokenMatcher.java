package io.chasqui.tokenizer;

import java.util.Arrays;
import java.util.List;

/**
 * Finds added tokens in a text: the leftmost one first, and the longest of those that start there.
 * A trie over UTF-16 units whose edges are one hash table; at most the longest token's length of
 * steps at each position.
 */
final class AddedTokenMatcher {
  private static final int NONE = -1;

  private final LongIntTable edges = new LongIntTable();
  private final List<AddedToken> tokens;
  private int[] tokenOfNode = {NONE};
  private int nodes = 1;

  /**
   * @param tokens what is looked for
   * @param texts the text that each of them matches
   */
  AddedTokenMatcher(List<AddedToken> tokens, List<String> texts) {
    this.tokens = tokens;
    for (int i = 0; i < tokens.size(); i++) {
      insert(texts.get(i), i);
    }
  }

  private void insert(String text, int token) {
    int node = 0;
    for (int i = 0; i < text.length(); i++) {
      long edge = edge(node, text.charAt(i));
      int next = edges.get(edge);
      if (next < 0) {
        next = nodes++;
        edges.put(edge, next);
        if (next == tokenOfNode.length) {
          tokenOfNode = Arrays.copyOf(tokenOfNode, 2 * next);
        }
        tokenOfNode[next] = NONE;
      }
      node = next;
    }
    // Of two tokens with the same text the first one counts; an empty one never.
    if (node != 0 && tokenOfNode[node] == NONE) {
      tokenOfNode[node] = token;
    }
  }

  private static long edge(int node, char character) {
    return (long) node << 16 | character;
  }

  /** Receives the parts of a text in order. */
  interface Sink {
    /** Text between added tokens, never empty; {@code from} is where it starts. */
    void text(String part, int from);

    void token(AddedToken token);
  }

  /**
   * Splits a text into added tokens and what lies between.
   *
   * @param ignoreSpecial whether special tokens count as ordinary text
   */
  void split(String text, boolean ignoreSpecial, Sink sink) {
    int done = 0;
    int position = 0;
    while (nodes > 1 && position < text.length()) {
      int node = 0;
      int found = NONE;
      int end = position;
      for (int i = position; i < text.length(); i++) {
        node = edges.get(edge(node, text.charAt(i)));
        if (node < 0) {
          break;
        }
        if (tokenOfNode[node] != NONE) {
          found = tokenOfNode[node];
          end = i + 1;
        }
      }
      if (found == NONE) {
        position++;
        continue;
      }
      int start = position;
      position = end;
      AddedToken token = tokens.get(found);
      if ((ignoreSpecial && token.special())
          || (token.singleWord() && touchesWord(text, start, end))) {
        continue;
      }
      if (token.stripsLeft()) {
        start = Math.max(done, whiteSpaceBefore(text, start));
      }
      if (token.stripsRight()) {
        end = whiteSpaceAfter(text, end);
      }
      if (done < start) {
        sink.text(text.substring(done, start), done);
      }
      sink.token(token);
      done = end;
    }
    if (done < text.length()) {
      sink.text(text.substring(done), done);
    }
  }

  private static boolean touchesWord(String text, int start, int end) {
    return (start > 0 && Characters.isWord(text.codePointBefore(start)))
        || (end < text.length() && Characters.isWord(text.codePointAt(end)));
  }

  private static int whiteSpaceBefore(String text, int start) {
    int i = start;
    while (i > 0 && Characters.isWhiteSpace(text.charAt(i - 1))) {
      i--;
    }
    return i;
  }

  private static int whiteSpaceAfter(String text, int end) {
    int i = end;
    while (i < text.length() && Characters.isWhiteSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }
}
