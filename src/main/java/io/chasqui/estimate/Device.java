package io.chasqui.estimate;

/** Whose memory is estimated. */
public enum Device {
  /** That of the process. */
  CPU,
  /** That of a graphics processor alone. */
  GPU
}
