package io.chasqui.sampling;

/**
 * A sequence that a search follows.
 *
 * @param index its place among the beams
 * @param parent the index of the beam of the step before that it continues
 * @param score the sum of its tokens' scores
 * @param history its prompt and output
 * @param output its output alone
 */
record Beam(int index, int parent, double score, TokenHistory history, Output output) {}
