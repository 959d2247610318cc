package io.chasqui.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.ModelConfig.RopeScaling;
import java.lang.foreign.MemorySegment;

/**
 * Cosines and sines of the rotary position embedding (Su et al. 2021), with its scalings. Rows are
 * computed when the first sequence reaches their position, because a start must not wait for a long
 * context. For one thread at a time.
 */
final class RotaryTable {
  private final double[] frequencies;
  private final MemorySegment table;
  private int computed;

  /**
   * An empty table.
   *
   * @param positions the most rows
   */
  RotaryTable(ModelConfig config, int positions, NativeMemory memory) {
    frequencies = frequencies(config);
    table = memory.allocate(8L * positions * frequencies.length);
  }

  /** Computes the rows below a position that are not there yet. */
  void extend(int positions) {
    int half = frequencies.length;
    float[] row = new float[2 * half];
    for (; computed < positions; computed++) {
      for (int i = 0; i < half; i++) {
        // As transformers computes it: the frequency and the angle are float32.
        float angle = computed * (float) frequencies[i];
        row[i] = (float) Math.cos(angle);
        row[half + i] = (float) Math.sin(angle);
      }
      MemorySegment.copy(row, 0, table, JAVA_FLOAT, 4L * computed * row.length, row.length);
    }
  }

  /**
   * {@code [positions, headSize]}: of each position the cosines of headSize ÷ 2 angles, then their
   * sines.
   */
  MemorySegment rows() {
    return table;
  }

  /** Radians that each pair of a head turns by from one position to the next. */
  static double[] frequencies(ModelConfig config) {
    int half = config.headSize() / 2;
    double[] frequencies = new double[half];
    for (int i = 0; i < half; i++) {
      double plain = Math.pow(config.ropeTheta(), -(double) i / half);
      frequencies[i] =
          switch (config.ropeScaling()) {
            case RopeScaling.None() -> plain;
            case RopeScaling.Linear(float factor) -> plain / factor;
            case RopeScaling.Llama3 scaling -> scale(plain, scaling);
          };
    }
    return frequencies;
  }

  /**
   * Llama 3.1's rule, as in {@code _compute_llama3_parameters} of Hugging Face's transformers: low
   * frequencies are stretched, high ones kept, and those between blended.
   */
  private static double scale(double frequency, RopeScaling.Llama3 scaling) {
    double wavelength = 2 * Math.PI / frequency;
    double rotations = scaling.originalContext() / wavelength;
    if (rotations < scaling.lowFreqFactor()) {
      return frequency / scaling.factor();
    }
    if (rotations > scaling.highFreqFactor()) {
      return frequency;
    }
    double keep =
        (rotations - scaling.lowFreqFactor())
            / (scaling.highFreqFactor() - scaling.lowFreqFactor());
    return (1 - keep) * frequency / scaling.factor() + keep * frequency;
  }
}
