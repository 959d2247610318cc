package io.chasqui.engine;

import io.chasqui.estimate.Device;
import io.chasqui.estimate.MemoryEstimate;
import io.chasqui.estimate.MemoryQuestion;
import io.chasqui.estimate.ModelShape;
import io.chasqui.estimate.Precision;
import io.chasqui.estimate.RuleOfThumb;
import io.chasqui.estimate.Workload;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeExecutable;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBudget;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.PackedSizes;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The memory that a model takes. Of this program, generating on the CPU, it adds up what is
 * allocated, and what the program was measured to take besides; of anything else it tells the
 * {@link RuleOfThumb}.
 */
public final class ServerMemory {
  /**
   * What the program takes at most while it serves, beside what depends on the model: code, class
   * data, compilers, threads, buffers of the network, the heap. Measured, see the section "Memory"
   * of benchmark/RESULTS.md; of the JVM with its AOT cache.
   */
  static final long PROGRAM_BYTES = NativeExecutable.IS ? 61_000_000 : 150_000_000;

  private final PackedSizes sizes;
  private final Workload usual;

  /** KV blocks of each layer where they are allocated already. */
  private final OptionalInt blocks;

  private ServerMemory(PackedSizes sizes, Workload usual, OptionalInt blocks) {
    this.sizes = sizes;
    this.usual = usual;
    this.blocks = blocks;
  }

  /** Of a server with the default settings, where memory is not short. */
  public static ServerMemory ofServer(PackedSizes sizes) {
    int context = Math.min(Decoder.maxContext(sizes.config()), EngineOptions.DEFAULTS.maxContext());
    KvLayout.Type kv = EngineOptions.DEFAULTS.kvType();
    var usual = usual(sizes, kv, context, KvBudget.MOST_SEQUENCES);
    return new ServerMemory(sizes, usual, OptionalInt.empty());
  }

  /** Of an engine that runs. */
  static ServerMemory ofEngine(
      PackedSizes sizes, KvLayout.Type kv, int context, int sequences, int blocks) {
    return new ServerMemory(sizes, usual(sizes, kv, context, sequences), OptionalInt.of(blocks));
  }

  private static Workload usual(PackedSizes sizes, KvLayout.Type kv, int context, int sequences) {
    return new Workload(Device.CPU, false, precision(sizes.quantization()), kv, context, sequences);
  }

  /**
   * Estimates.
   *
   * @throws IllegalArgumentException if a number is out of range, the model has no such context, or
   *     there are no packed files of that precision
   */
  public MemoryEstimate estimate(MemoryQuestion question) {
    boolean isRule = question.training() || question.device().equals(Optional.of(Device.GPU));
    Workload workload = question.over(isRule ? usual.alone() : usual);
    int longest = Decoder.maxContext(sizes.config());
    if (workload.context() > longest) {
      throw new IllegalArgumentException(
          "context must be at most %d, which is the model's, not %d"
              .formatted(longest, workload.context()));
    }
    return isRule ? RuleOfThumb.estimate(shape(), workload) : ofThisProgram(workload);
  }

  private ModelShape shape() {
    ModelConfig config = sizes.config();
    return new ModelShape(
        sizes.parameters(),
        config.layers(),
        config.hidden(),
        config.feedForward(),
        config.kvHeads(),
        config.headSize());
  }

  private MemoryEstimate ofThisProgram(Workload workload) {
    if (workload.batch() > EngineOptions.MOST_SEQUENCES) {
      throw new IllegalArgumentException(
          "batch must be at most %d on the CPU, where no more run at once, not %d"
              .formatted(EngineOptions.MOST_SEQUENCES, workload.batch()));
    }
    ModelConfig config = sizes.config();
    int members = Math.min(CpuLimit.processors(), PackedDecoder.MAX_MEMBERS);
    long buffers =
        Decoder.bufferBytes(
            config,
            workload.context(),
            PackedDecoder.MAX_TOKENS,
            PackedDecoder.maxOutputs(workload.batch()));
    return new MemoryEstimate(
        workload,
        sizes.as(dtype(workload.precision())).weights() + sizes.prefixes(),
        kvBytes(workload),
        buffers + members * Chooser.bytes(config.vocabulary()),
        0,
        0,
        PROGRAM_BYTES + sizes.tokenizer());
  }

  private long kvBytes(Workload workload) {
    if (workload.equals(usual) && blocks.isPresent()) {
      long blockBytes = sizes.config().kvLayout(workload.kv()).blockBytes();
      return (long) blocks.getAsInt() * sizes.config().layers() * blockBytes;
    }
    return RuleOfThumb.kvBytes(shape(), workload);
  }

  private static Precision precision(DType dtype) {
    return switch (dtype) {
      case Q4 -> Precision.Q4;
      case Q8 -> Precision.Q8;
      case BF16 -> Precision.BF16;
      case F32 -> Precision.F32;
    };
  }

  private static DType dtype(Precision precision) {
    return switch (precision) {
      case Q4 -> DType.Q4;
      case Q8 -> DType.Q8;
      case BF16 -> DType.BF16;
      case F32 -> DType.F32;
      case F16, I8 ->
          throw new IllegalArgumentException(
              "precision must be q4, q8, bf16 or f32 on the CPU, because models are not packed as %s"
                  .formatted(precision.name().toLowerCase(Locale.ROOT)));
    };
  }
}
