package io.chasqui.benchmark.results;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Which of two values of a quantity is the better one. */
public enum Better {
  @JsonProperty("lower")
  LOWER,
  @JsonProperty("higher")
  HIGHER,

  /** Neither: the same program, asked the same, comes to the same each time. */
  @JsonProperty("exact")
  EXACT,

  /** Neither: it only describes a run. */
  @JsonProperty("neither")
  NEITHER
}
