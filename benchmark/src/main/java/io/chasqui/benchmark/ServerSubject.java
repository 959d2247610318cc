package io.chasqui.benchmark;

import io.chasqui.benchmark.Servers.Variant;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedModel;
import java.io.IOException;

/** Servers as subjects of results. */
final class ServerSubject {
  private ServerSubject() {}

  /**
   * A server that runs.
   *
   * @param name of the model's file
   */
  static Subject of(Variant variant, Server server, int threads, PackedModel model, String name)
      throws IOException {
    Subject subject =
        Subject.of(variant.toString(), variant.title)
            .on(runtime(variant), server.kernels().orElse(""), threads)
            .with(
                name,
                model.weightsDigest(),
                model.weightBytes(),
                model.quantization().toString(),
                KvLayout.Type.F16.toString());
    return variant == Variant.LLAMA_CPP ? subject.asBaseline() : subject;
  }

  private static String runtime(Variant variant) {
    return switch (variant) {
      case JVM, AOT -> Machine.jvm();
      case NATIVE, LLAMA_CPP -> "native";
    };
  }
}
