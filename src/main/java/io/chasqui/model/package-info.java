/**
 * The decoder: a forward pass over a ragged batch of sequences, on packed weights, kernels and KV
 * blocks. KV block ids go in and rows of logits come out; storage belongs to the decoder.
 */
package io.chasqui.model;
