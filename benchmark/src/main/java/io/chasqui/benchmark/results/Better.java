package io.chasqui.benchmark.results;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Which of two values of a quantity is the better one. */
public enum Better {
  @JsonProperty("lower")
  LOWER,
  @JsonProperty("higher")
  HIGHER,

  /** Neither: a count that is the same each time, or what only describes a run. */
  @JsonProperty("neither")
  NEITHER
}
