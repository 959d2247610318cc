package io.chasqui.sampling;

/**
 * A beam and a token that may follow it.
 *
 * @param rank by what it is chosen: its score, or that and a random number
 * @param score the sum of the scores of the beam's tokens and of this one
 * @param beam the index of the beam
 * @param logprob of the token, in the model's own distribution
 */
record Continuation(double rank, double score, int beam, int token, float logprob) {

  /** The larger rank is first, of equal ones the beam with the smaller index, then the token. */
  boolean isBefore(Continuation other) {
    if (rank != other.rank) {
      return rank > other.rank;
    }
    return beam != other.beam ? beam < other.beam : token < other.token;
  }
}
