package io.chasqui.benchmark.serve;

/**
 * A request, ready to be sent.
 *
 * @param path after {@code /v1}
 * @param body JSON
 */
public record Request(String path, String body) {}
