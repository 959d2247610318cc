package io.chasqui.engine;

import io.chasqui.sampling.SamplingParameters;
import java.time.Instant;
import java.util.Optional;

/**
 * What a caller may want to know of a loaded model.
 *
 * @param name its name as it was located: {@code demo}, a directory's name, {@code OWNER/NAME}
 * @param architecture {@code model_type} of its {@code config.json}
 * @param kernels what computes its forward pass, such as {@code avx512-vnni}; {@code jlama} where
 *     Jlama does
 * @param contextLength tokens that prompt and answer can have together
 * @param sequences that run at once
 * @param memory what it may take of memory; empty where Jlama runs the model, which has no budget
 * @param vocabularySize the length of a row of logits
 * @param recommended the sampling that its {@code generation_config.json} asks for; temperature 1
 *     over the whole vocabulary where it says nothing
 * @param loaded when it was ready
 */
public record ModelInfo(
    String name,
    String architecture,
    String kernels,
    int contextLength,
    int sequences,
    Optional<MemoryPlan> memory,
    int vocabularySize,
    SamplingParameters recommended,
    Instant loaded) {}
