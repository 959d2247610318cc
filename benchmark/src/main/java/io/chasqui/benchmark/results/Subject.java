package io.chasqui.benchmark.results;

/**
 * A program that was measured, and how it ran. Values of two subjects are of the same thing only if
 * all of this is the same.
 *
 * @param id in a run, such as {@code aot} or {@code llama-cpp}
 * @param title at the head of a column
 * @param baseline whether it is what the others are compared with, such as somebody else's program
 * @param runtime the JVM, or {@code native}; empty if unknown, as are those that follow
 * @param kernels that compute the forward pass
 * @param threads that compute it; 0 if unknown
 * @param model file or name
 * @param modelDigest SHA-256 of the weights
 * @param modelBytes of the weights; 0 if unknown
 * @param quantization of the weights
 * @param kvType how keys and values are stored
 */
public record Subject(
    String id,
    String title,
    boolean baseline,
    String runtime,
    String kernels,
    int threads,
    String model,
    String modelDigest,
    long modelBytes,
    String quantization,
    String kvType) {
  /** One of which nothing is known yet. */
  public static Subject of(String id, String title) {
    return new Subject(id, title, false, "", "", 0, "", "", 0, "", "");
  }

  /** The same, to compare the others with. */
  public Subject asBaseline() {
    return new Subject(
        id,
        title,
        true,
        runtime,
        kernels,
        threads,
        model,
        modelDigest,
        modelBytes,
        quantization,
        kvType);
  }

  /** The same, with what runs it. */
  public Subject on(String runtime, String kernels, int threads) {
    return new Subject(
        id,
        title,
        baseline,
        runtime,
        kernels,
        threads,
        model,
        modelDigest,
        modelBytes,
        quantization,
        kvType);
  }

  /** The same, with its weights. */
  public Subject with(
      String model, String modelDigest, long modelBytes, String quantization, String kvType) {
    return new Subject(
        id,
        title,
        baseline,
        runtime,
        kernels,
        threads,
        model,
        modelDigest,
        modelBytes,
        quantization,
        kvType);
  }
}
