package io.chasqui.tracing;

/**
 * What a trace tells of an inference beside the request to the engine.
 *
 * @param operation {@code chat} or {@code text_completion}
 * @param model the name that the client asks for
 * @param id the answer's id
 * @param stream whether the answer is streamed
 */
public record Inference(String operation, String model, String id, boolean stream) {}
