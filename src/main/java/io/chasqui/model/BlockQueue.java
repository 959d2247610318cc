package io.chasqui.model;

import java.util.Arrays;

/** Block ids in the order in which they came; any of them can leave at any time, in no time. */
final class BlockQueue {
  private static final int ABSENT = -1;

  /** Of each block the one that came after it; the last index is the queue's head and tail. */
  private final int[] next;

  private final int[] previous;
  private final int head;
  private int size;

  /** An empty queue for the ids below {@code blocks}. */
  BlockQueue(int blocks) {
    head = blocks;
    next = new int[blocks + 1];
    previous = new int[blocks + 1];
    Arrays.fill(next, ABSENT);
    next[head] = head;
    previous[head] = head;
  }

  int size() {
    return size;
  }

  boolean contains(int block) {
    return next[block] != ABSENT;
  }

  /** Adds a block that is not in the queue. */
  void add(int block) {
    int last = previous[head];
    next[last] = block;
    previous[block] = last;
    next[block] = head;
    previous[head] = block;
    size++;
  }

  /** Removes a block that is in the queue. */
  void remove(int block) {
    next[previous[block]] = next[block];
    previous[next[block]] = previous[block];
    next[block] = ABSENT;
    size--;
  }

  /** Removes the block that came first of those in the queue, which is not empty. */
  int removeFirst() {
    int first = next[head];
    remove(first);
    return first;
  }
}
