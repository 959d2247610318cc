package io.chasqui.sampling;

import java.util.List;

/**
 * A sequence that a {@linkplain BeamSearch beam search} has found.
 *
 * @param tokens its output, with the token that ended it
 * @param ended whether a token or a stop condition ended it; otherwise it has as many tokens as
 *     there may be, or none could follow
 * @param score the sum of its tokens' scores, divided by their number to the power of the length
 *     penalty. A token's score is its log-probability after all that changes scores; in beam
 *     sampling divided by the temperature
 * @param logprobs of each token, in the model's own distribution
 */
@SuppressWarnings("ArrayRecordComponent") // one for every sequence of an answer, read once
public record Hypothesis(int[] tokens, boolean ended, double score, List<TokenLogprobs> logprobs) {}
