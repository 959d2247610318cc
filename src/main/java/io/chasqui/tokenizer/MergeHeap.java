package io.chasqui.tokenizer;

import java.util.Arrays;

/** A binary min-heap of longs; a candidate merge is its rank above its position. */
final class MergeHeap {
  private long[] heap = new long[64];
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  void add(long value) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, 2 * size);
    }
    int hole = size++;
    while (hole > 0) {
      int parent = (hole - 1) >>> 1;
      if (heap[parent] <= value) {
        break;
      }
      heap[hole] = heap[parent];
      hole = parent;
    }
    heap[hole] = value;
  }

  /** Takes out the smallest value; the heap must not be empty. */
  long poll() {
    long smallest = heap[0];
    long last = heap[--size];
    int hole = 0;
    while (true) {
      int child = 2 * hole + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && heap[child + 1] < heap[child]) {
        child++;
      }
      if (last <= heap[child]) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = last;
    return smallest;
  }
}
