package io.chasqui.nativeimage;

import io.chasqui.kernel.CFunctions;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import org.graalvm.nativeimage.c.function.CFunction;
import org.graalvm.nativeimage.c.function.CLibrary;
import org.graalvm.nativeimage.c.type.CCharPointer;
import org.graalvm.nativeimage.c.type.CTypeConversion;

/** The C library that is linked into the executable, whose build fails without it. */
@CLibrary(value = "chasqui", requireStatic = true)
public final class LinkedFunctions implements CFunctions {
  @Override
  public int abi() {
    return abi0();
  }

  @Override
  public int isaCount() {
    return isaCount0();
  }

  @Override
  public String isaName(int isa) {
    return CTypeConversion.toJavaString(isaName0(isa));
  }

  @Override
  public boolean isaSupported(int isa) {
    return isaSupported0(isa) != 0;
  }

  @Override
  public void quantize(int isa, MemorySegment x, int m, int columns, MemorySegment q8) {
    quantize0(isa, x.address(), m, columns, q8.address());
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
    matmul0(
        isa,
        w.dtype().code(),
        w.address(),
        w.columns(),
        x.address(),
        m,
        out.address(),
        outStride,
        groupFrom,
        groupTo);
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
    gateUp0(
        isa,
        gate.dtype().code(),
        gate.address(),
        up.dtype().code(),
        up.address(),
        gate.columns(),
        x.address(),
        m,
        out.address(),
        outStride,
        groupFrom,
        groupTo);
  }

  @Override
  public void rmsNorm(
      int isa, MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    rmsNorm0(isa, x.address(), weight.address(), eps, m, n, out.address());
  }

  @Override
  public void add(int isa, MemorySegment x, MemorySegment y, int n) {
    add0(isa, x.address(), y.address(), n);
  }

  @Override
  public void scale(int isa, MemorySegment x, float factor, int n) {
    scale0(isa, x.address(), factor, n);
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
    rope0(isa, x.address(), stride, m, heads, headSize, positions.address(), table.address());
  }

  @Override
  public void embed(int isa, Matrix w, MemorySegment ids, int m, MemorySegment out) {
    embed0(isa, w.dtype().code(), w.address(), w.columns(), ids.address(), m, out.address());
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
    storeKv0(
        isa,
        kv.type().code(),
        kv.kvHeads(),
        kv.headSize(),
        cache.address(),
        blocks.address(),
        firstPosition,
        k.address(),
        v.address(),
        stride,
        m);
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
    attention0(
        isa,
        kv.type().code(),
        kv.kvHeads(),
        kv.headSize(),
        cache.address(),
        blocks.address(),
        firstPosition,
        q.address(),
        qStride,
        m,
        heads,
        scale,
        out.address(),
        outStride,
        kvHeadFrom,
        kvHeadTo);
  }

  @Override
  public int argmax(int isa, MemorySegment logits, int n) {
    return argmax0(isa, logits.address(), n);
  }

  @Override
  public void topK(
      int isa, MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    topK0(isa, logits.address(), n, k, ids.address(), values.address());
  }

  @CFunction("chasqui_abi")
  private static native int abi0();

  @CFunction("chasqui_isa_count")
  private static native int isaCount0();

  @CFunction("chasqui_isa_name")
  private static native CCharPointer isaName0(int isa);

  @CFunction("chasqui_isa_supported")
  private static native int isaSupported0(int isa);

  @CFunction("chasqui_quantize")
  private static native void quantize0(int isa, long x, int m, int columns, long q8);

  @CFunction("chasqui_matmul")
  private static native void matmul0(
      int isa,
      int wType,
      long w,
      int columns,
      long x,
      int m,
      long out,
      int outStride,
      int groupFrom,
      int groupTo);

  @CFunction("chasqui_gate_up")
  private static native void gateUp0(
      int isa,
      int gateType,
      long gate,
      int upType,
      long up,
      int columns,
      long x,
      int m,
      long out,
      int outStride,
      int groupFrom,
      int groupTo);

  @CFunction("chasqui_rms_norm")
  private static native void rmsNorm0(
      int isa, long x, long weight, float eps, int m, int n, long out);

  @CFunction("chasqui_add")
  private static native void add0(int isa, long x, long y, int n);

  @CFunction("chasqui_scale")
  private static native void scale0(int isa, long x, float factor, int n);

  @CFunction("chasqui_rope")
  private static native void rope0(
      int isa, long x, int stride, int m, int heads, int headSize, long positions, long table);

  @CFunction("chasqui_embed")
  private static native void embed0(
      int isa, int wType, long w, int columns, long ids, int m, long out);

  @CFunction("chasqui_store_kv")
  private static native void storeKv0(
      int isa,
      int kvType,
      int kvHeads,
      int headSize,
      long cache,
      long blocks,
      int firstPosition,
      long k,
      long v,
      int stride,
      int m);

  @CFunction("chasqui_attention")
  private static native void attention0(
      int isa,
      int kvType,
      int kvHeads,
      int headSize,
      long cache,
      long blocks,
      int firstPosition,
      long q,
      int qStride,
      int m,
      int heads,
      float scale,
      long out,
      int outStride,
      int kvHeadFrom,
      int kvHeadTo);

  @CFunction("chasqui_argmax")
  private static native int argmax0(int isa, long logits, int n);

  @CFunction("chasqui_top_k")
  private static native void topK0(int isa, long logits, int n, int k, long ids, long values);
}
