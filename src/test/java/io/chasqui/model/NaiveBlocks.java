package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;

import io.chasqui.kernel.KvLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The rules of {@link KvBlocks} and {@link Sequence} as plain as they can be said: blocks are
 * objects, and everything is found by looking at all of them.
 */
final class NaiveBlocks {
  /** A block of the cache that is not free. */
  static final class Block {
    /** The tokens of its whole text up to its end, once it is published. */
    List<Integer> prefix;

    Block predecessor;
    long salt;

    /** Whether others can find it. */
    boolean offered;

    /** When its last user left it. */
    long left;
  }

  private final int blocks;
  private final List<List<Integer>> prefixes;

  /** Those that are not free. */
  private final List<Block> all = new ArrayList<>();

  private final List<Text> texts = new ArrayList<>();
  private long clock;

  /**
   * @param prefixes tokens that came with the model
   */
  NaiveBlocks(int blocks, List<List<Integer>> prefixes) {
    this.blocks = blocks;
    this.prefixes = prefixes;
  }

  int free() {
    return blocks - all.size();
  }

  int cached() {
    return (int) all.stream().filter(block -> users(block) == 0).count();
  }

  int used() {
    return (int) all.stream().filter(block -> users(block) > 0).count();
  }

  private long users(Block block) {
    return texts.stream().filter(text -> text.blocks.contains(block)).count();
  }

  /** Evicts the one left first of those that nobody uses and that no other block depends on. */
  private Block take() {
    if (free() == 0) {
      all.remove(
          all.stream()
              .filter(block -> users(block) == 0)
              .filter(block -> all.stream().noneMatch(other -> other.predecessor == block))
              .min(Comparator.comparingLong(block -> block.left))
              .orElseThrow());
    }
    Block block = new Block();
    all.add(block);
    return block;
  }

  private Block find(List<Integer> prefix, long salt) {
    return all.stream()
        .filter(block -> block.offered && block.salt == salt && block.prefix.equals(prefix))
        .findAny()
        .orElse(null);
  }

  /** Whether it is of no use to compute a text. */
  private boolean isRestorable(List<Integer> text) {
    return free() + cached() > 0
        && prefixes.stream()
            .anyMatch(prefix ->
                prefix.size() >= text.size() && prefix.subList(0, text.size()).equals(text));
  }

  private void left(Block block) {
    if (users(block) == 0) {
      block.left = clock++;
      if (block.prefix == null) {
        all.remove(block);
      }
    }
  }

  /** Takes a block out of the cache, and with it what came after it. */
  private void withdraw(Block block) {
    List<Block> behind =
        all.stream().filter(other -> other.predecessor == block && other.offered).toList();
    block.offered = false;
    behind.forEach(this::withdraw);
  }

  Text empty() {
    Text text = new Text();
    texts.add(text);
    return text;
  }

  /** The double of a {@link Sequence}. */
  final class Text {
    final List<Block> blocks = new ArrayList<>();
    private List<Integer> tokens = new ArrayList<>();
    private int reservedTo;

    /** Null without part in the prefix cache. */
    private Long salt;

    int adopt(int[] prompt, long salt) {
      this.salt = salt;
      List<Integer> all = Arrays.stream(prompt).boxed().toList();
      for (int end = BLOCK_POSITIONS; end < prompt.length; end += BLOCK_POSITIONS) {
        List<Integer> prefix = List.copyOf(all.subList(0, end));
        Block block = find(prefix, salt);
        if (block == null && isRestorable(prefix)) {
          block = take();
          offer(block, prefix);
        }
        if (block == null) {
          break;
        }
        blocks.add(block);
        tokens = new ArrayList<>(all.subList(0, end));
      }
      reservedTo = tokens.size();
      return tokens.size();
    }

    boolean tryReserve(int positions) {
      int end = tokens.size() + positions;
      if (end <= reservedTo) {
        return true;
      }
      int index = tokens.size() / BLOCK_POSITIONS;
      boolean partial = tokens.size() % BLOCK_POSITIONS > 0;
      boolean copies = partial && users(blocks.get(index)) > 1;
      int wanted = Math.max(KvLayout.blocks(end) - blocks.size(), 0) + (copies ? 1 : 0);
      if (wanted > free() + cached()) {
        return false;
      }
      if (copies) {
        blocks.set(index, take());
      } else if (partial && blocks.get(index).prefix != null) {
        Block block = blocks.get(index);
        withdraw(block);
        Block own = new Block();
        all.set(all.indexOf(block), own);
        blocks.set(index, own);
      }
      while (blocks.size() < KvLayout.blocks(end)) {
        blocks.add(take());
      }
      reservedTo = end;
      return true;
    }

    void append(int[] more) {
      Arrays.stream(more).forEach(tokens::add);
    }

    void publish() {
      for (int i = 0; salt != null && i < tokens.size() / BLOCK_POSITIONS; i++) {
        List<Integer> prefix = List.copyOf(tokens.subList(0, (i + 1) * BLOCK_POSITIONS));
        Block own = blocks.get(i);
        Block found = find(prefix, salt);
        if (found == null) {
          offer(own, prefix);
        } else if (found != own) {
          blocks.set(i, found);
          left(own);
        }
      }
    }

    private void offer(Block block, List<Integer> prefix) {
      int index = prefix.size() / BLOCK_POSITIONS - 1;
      block.prefix = prefix;
      block.predecessor = index == 0 ? null : blocks.get(index - 1);
      block.salt = salt;
      block.offered = true;
    }

    Text fork() {
      publish();
      Text fork = empty();
      fork.blocks.addAll(blocks.subList(0, KvLayout.blocks(tokens.size())));
      fork.tokens.addAll(tokens);
      fork.reservedTo = tokens.size();
      fork.salt = salt;
      reservedTo = tokens.size();
      return fork;
    }

    void truncate(int length) {
      while (blocks.size() > KvLayout.blocks(length)) {
        left(blocks.removeLast());
      }
      tokens = new ArrayList<>(tokens.subList(0, length));
      reservedTo = length;
    }

    void close() {
      truncate(0);
      texts.remove(this);
    }
  }
}
