package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Makes handles of C functions. Their parameters are given as one letter each: Integer, Long, Float
 * or Pointer.
 */
record ForeignCalls(SymbolLookup library) {
  MethodHandle function(String name, String parameters) {
    return Linker.nativeLinker()
        .downcallHandle(symbol(name), FunctionDescriptor.ofVoid(layouts(parameters)));
  }

  MethodHandle returning(MemoryLayout result, String name, String parameters) {
    return Linker.nativeLinker()
        .downcallHandle(symbol(name), FunctionDescriptor.of(result, layouts(parameters)));
  }

  private static MemoryLayout[] layouts(String parameters) {
    return parameters.chars().mapToObj(ForeignCalls::layout).toArray(MemoryLayout[]::new);
  }

  private static MemoryLayout layout(int letter) {
    return switch (letter) {
      case 'I' -> JAVA_INT;
      case 'L' -> JAVA_LONG;
      case 'F' -> JAVA_FLOAT;
      case 'P' -> ADDRESS;
      default -> throw new IllegalArgumentException("no layout " + (char) letter);
    };
  }

  private MemorySegment symbol(String name) {
    return library
        .find(name)
        .orElseThrow(() -> new IllegalStateException("the C library lacks " + name));
  }

  /** C throws nothing: what comes out of a call is a mistake in its binding or a closed arena. */
  static RuntimeException failed(Throwable e) {
    return switch (e) {
      case RuntimeException runtime -> runtime;
      case Error error -> throw error;
      default -> new IllegalStateException("a C function cannot be called", e);
    };
  }
}
