package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The C library ({@code src/main/c/chasqui.h}), bound with the foreign function API. Its handles
 * have the names of its functions without the prefix {@code chasqui_}.
 */
final class NativeLibrary {
  /** {@code CHASQUI_ABI} of the header that this class was written for. */
  private static final int ABI = 2;

  private final SymbolLookup symbols;

  final MethodHandle quantize;
  final MethodHandle matmul;
  final MethodHandle gateUp;
  final MethodHandle rmsNorm;
  final MethodHandle add;
  final MethodHandle scale;
  final MethodHandle rope;
  final MethodHandle embed;
  final MethodHandle storeKv;
  final MethodHandle attention;
  final MethodHandle argmax;
  final MethodHandle topK;

  private final MethodHandle isaName;
  private final MethodHandle isaSupported;
  private final int isaCount;

  private NativeLibrary(SymbolLookup symbols) {
    this.symbols = symbols;
    int abi = callInt(returning(JAVA_INT, "abi"));
    if (abi != ABI) {
      throw new IllegalStateException(
          "libchasqui has interface %d but this program needs %d: build both together"
              .formatted(abi, ABI));
    }
    isaCount = callInt(returning(JAVA_INT, "isa_count"));
    isaName = returning(ADDRESS, "isa_name", JAVA_INT);
    isaSupported = returning(JAVA_INT, "isa_supported", JAVA_INT);
    quantize = function("quantize", "PIIP");
    matmul = function("matmul", "IPIPIPIII");
    gateUp = function("gate_up", "IPIPIPIPIII");
    rmsNorm = function("rms_norm", "PPFIIP");
    add = function("add", "PPI");
    scale = function("scale", "PFI");
    rope = function("rope", "PIIIIPP");
    embed = function("embed", "IPIPIP");
    storeKv = function("store_kv", "IIIPPIPPII");
    attention = function("attention", "IIIPPIPIIIFPIII");
    argmax = returning(JAVA_INT, "argmax", JAVA_INT, ADDRESS, JAVA_INT);
    topK = function("top_k", "PIIPP");
  }

  /** An instruction set that the library was compiled for. */
  record Isa(int index, String name, boolean supported) {}

  /** Where the library for this platform lies on the class path. */
  static String resource() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch");
    return "/META-INF/native/%s-%s/libchasqui.so"
        .formatted(os, arch.equals("amd64") ? "x86_64" : arch);
  }

  /**
   * Loads the library of this platform for the life of the process; empty if the build had none.
   *
   * @throws UncheckedIOException if it cannot be unpacked
   * @throws IllegalArgumentException if the system's loader refuses it
   * @throws IllegalStateException if it belongs to another version of this program
   */
  static Optional<NativeLibrary> load() {
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource())) {
      if (in == null) {
        return Optional.empty();
      }
      Path file = Files.createTempFile("libchasqui", ".so");
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        return Optional.of(new NativeLibrary(SymbolLookup.libraryLookup(file, Arena.global())));
      } finally {
        // A mapped library needs its name no more, so nothing is left behind even after a crash.
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("libchasqui cannot be unpacked", e);
    }
  }

  /** The instruction sets of the library, the fastest first. */
  List<Isa> isas() {
    List<Isa> isas = new ArrayList<>();
    for (int i = 0; i < isaCount; i++) {
      isas.add(new Isa(i, isaName(i), isSupported(i)));
    }
    return isas;
  }

  private String isaName(int isa) {
    try {
      MemorySegment name = (MemorySegment) isaName.invokeExact(isa);
      return name.reinterpret(64).getString(0);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  private boolean isSupported(int isa) {
    try {
      return (int) isaSupported.invokeExact(isa) != 0;
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  private static int callInt(MethodHandle handle) {
    try {
      return (int) handle.invokeExact();
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** C throws nothing: what comes out of a call is a mistake in its binding or a closed arena. */
  static RuntimeException failed(Throwable e) {
    return switch (e) {
      case RuntimeException runtime -> runtime;
      case Error error -> throw error;
      default -> new IllegalStateException("a native kernel cannot be called", e);
    };
  }

  /**
   * A function without result.
   *
   * @param parameters one letter each, after the index of the instruction set: Integer, Float or
   *     Pointer
   */
  private MethodHandle function(String name, String parameters) {
    Stream<MemoryLayout> layouts = parameters.chars().mapToObj(NativeLibrary::layout);
    MemoryLayout[] all = Stream.concat(Stream.of(JAVA_INT), layouts).toArray(MemoryLayout[]::new);
    return Linker.nativeLinker().downcallHandle(symbol(name), FunctionDescriptor.ofVoid(all));
  }

  private static MemoryLayout layout(int letter) {
    return switch (letter) {
      case 'I' -> JAVA_INT;
      case 'F' -> JAVA_FLOAT;
      case 'P' -> ADDRESS;
      default -> throw new IllegalArgumentException("no layout " + (char) letter);
    };
  }

  private MethodHandle returning(MemoryLayout result, String name, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(symbol(name), FunctionDescriptor.of(result, parameters));
  }

  private MemorySegment symbol(String name) {
    return symbols
        .find("chasqui_" + name)
        .orElseThrow(() -> new IllegalStateException("libchasqui lacks chasqui_" + name));
  }
}
