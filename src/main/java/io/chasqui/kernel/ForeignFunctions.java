package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;

/** The C library of the jar, bound with the foreign function API. */
final class ForeignFunctions implements CFunctions {
  private final MethodHandle abi;
  private final MethodHandle isaCount;
  private final MethodHandle isaName;
  private final MethodHandle isaSupported;
  private final MethodHandle quantize;
  private final MethodHandle matmul;
  private final MethodHandle gateUp;
  private final MethodHandle rmsNorm;
  private final MethodHandle add;
  private final MethodHandle scale;
  private final MethodHandle rope;
  private final MethodHandle embed;
  private final MethodHandle storeKv;
  private final MethodHandle attention;
  private final MethodHandle argmax;
  private final MethodHandle topK;

  private ForeignFunctions(SymbolLookup library) {
    var calls = new ForeignCalls(library);
    abi = calls.returning(JAVA_INT, "chasqui_abi", "");
    isaCount = calls.returning(JAVA_INT, "chasqui_isa_count", "");
    isaName = calls.returning(ADDRESS, "chasqui_isa_name", "I");
    isaSupported = calls.returning(JAVA_INT, "chasqui_isa_supported", "I");
    quantize = calls.function("chasqui_quantize", "IPIIP");
    matmul = calls.function("chasqui_matmul", "IIPIPIPIII");
    gateUp = calls.function("chasqui_gate_up", "IIPIPIPIPIII");
    rmsNorm = calls.function("chasqui_rms_norm", "IPPFIIP");
    add = calls.function("chasqui_add", "IPPI");
    scale = calls.function("chasqui_scale", "IPFI");
    rope = calls.function("chasqui_rope", "IPIIIIPP");
    embed = calls.function("chasqui_embed", "IIPIPIP");
    storeKv = calls.function("chasqui_store_kv", "IIIIPPIPPII");
    attention = calls.function("chasqui_attention", "IIIIPPIPIIIFPIII");
    argmax = calls.returning(JAVA_INT, "chasqui_argmax", "IPI");
    topK = calls.function("chasqui_top_k", "IPIIPP");
  }

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
   * @throws IllegalStateException if it lacks a function
   */
  static Optional<CFunctions> load() {
    try (InputStream in = ForeignFunctions.class.getResourceAsStream(resource())) {
      if (in == null) {
        return Optional.empty();
      }
      Path file = Files.createTempFile("libchasqui", ".so");
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        return Optional.of(new ForeignFunctions(SymbolLookup.libraryLookup(file, Arena.global())));
      } finally {
        // A mapped library needs its name no more, so nothing is left behind even after a crash.
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("libchasqui cannot be unpacked", e);
    }
  }

  @Override
  public int abi() {
    try {
      return (int) abi.invokeExact();
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public int isaCount() {
    try {
      return (int) isaCount.invokeExact();
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public String isaName(int isa) {
    try {
      MemorySegment name = (MemorySegment) isaName.invokeExact(isa);
      return name.reinterpret(64).getString(0);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public boolean isaSupported(int isa) {
    try {
      return (int) isaSupported.invokeExact(isa) != 0;
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void quantize(int isa, MemorySegment x, int m, int columns, MemorySegment q8) {
    try {
      quantize.invokeExact(isa, x, m, columns, q8);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void matmul(
      int isa,
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    try {
      matmul.invokeExact(
          isa, w.dtype().code(), w.data(), w.columns(), x, m, out, outStride, groupFrom, groupTo);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void gateUp(
      int isa,
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    try {
      gateUp.invokeExact(
          isa,
          gate.dtype().code(),
          gate.data(),
          up.dtype().code(),
          up.data(),
          gate.columns(),
          x,
          m,
          out,
          outStride,
          groupFrom,
          groupTo);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void rmsNorm(
      int isa, MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    try {
      rmsNorm.invokeExact(isa, x, weight, eps, m, n, out);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void add(int isa, MemorySegment x, MemorySegment y, int n) {
    try {
      add.invokeExact(isa, x, y, n);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void scale(int isa, MemorySegment x, float factor, int n) {
    try {
      scale.invokeExact(isa, x, factor, n);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void rope(
      int isa,
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table) {
    try {
      rope.invokeExact(isa, x, stride, m, heads, headSize, positions, table);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void embed(int isa, Matrix w, MemorySegment ids, int m, MemorySegment out) {
    try {
      embed.invokeExact(isa, w.dtype().code(), w.data(), w.columns(), ids, m, out);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void storeKv(
      int isa,
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m) {
    try {
      storeKv.invokeExact(
          isa,
          kv.type().code(),
          kv.kvHeads(),
          kv.headSize(),
          cache,
          blocks,
          firstPosition,
          k,
          v,
          stride,
          m);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void attention(
      int isa,
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment q,
      int qStride,
      int m,
      int heads,
      float scale,
      MemorySegment out,
      int outStride,
      int kvHeadFrom,
      int kvHeadTo) {
    try {
      attention.invokeExact(
          isa,
          kv.type().code(),
          kv.kvHeads(),
          kv.headSize(),
          cache,
          blocks,
          firstPosition,
          q,
          qStride,
          m,
          heads,
          scale,
          out,
          outStride,
          kvHeadFrom,
          kvHeadTo);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public int argmax(int isa, MemorySegment logits, int n) {
    try {
      return (int) argmax.invokeExact(isa, logits, n);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void topK(
      int isa, MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    try {
      topK.invokeExact(isa, logits, n, k, ids, values);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }
}
