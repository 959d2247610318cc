/**
 * The arithmetic of a decoder on the CPU: weights in kernel order ({@link
 * io.chasqui.kernel.Matrix}, {@link io.chasqui.kernel.WeightCodec}) and the operations on them
 * ({@link io.chasqui.kernel.Kernels}). {@link io.chasqui.kernel.ScalarKernels} is the
 * specification; every other implementation gives the same bits.
 */
package io.chasqui.kernel;
