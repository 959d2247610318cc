package io.chasqui.benchmark.results;

import java.time.Instant;

/**
 * What a run was made on.
 *
 * @param time when it began
 * @param commit of the sources
 * @param cpu the processor's name
 * @param processors that the run could use
 * @param memory that it could use, in bytes
 * @param memoryBandwidth what all processors read together, measured in place, in bytes a second
 * @param os name and version
 * @param jvm of the benchmark itself
 */
public record Environment(
    Instant time,
    String commit,
    String cpu,
    int processors,
    long memory,
    long memoryBandwidth,
    String os,
    String jvm) {}
