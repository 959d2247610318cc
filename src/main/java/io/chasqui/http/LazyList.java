package io.chasqui.http;

import java.util.AbstractList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;

/** A list whose elements are made of another's, each when it is read, and not kept. */
final class LazyList<T> extends AbstractList<T> {
  private final int size;
  private final IntFunction<T> element;

  LazyList(int size, IntFunction<T> element) {
    this.size = size;
    this.element = element;
  }

  static <S, T> List<T> of(List<S> sources, Function<S, T> element) {
    return new LazyList<>(sources.size(), i -> element.apply(sources.get(i)));
  }

  @Override
  public T get(int index) {
    return element.apply(index);
  }

  @Override
  public int size() {
    return size;
  }
}
