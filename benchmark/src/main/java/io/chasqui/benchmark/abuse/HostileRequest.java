package io.chasqui.benchmark.abuse;

/**
 * A request that no client should send.
 *
 * @param bytes what is sent at once
 */
record HostileRequest(HostileKind kind, byte[] bytes) {}
