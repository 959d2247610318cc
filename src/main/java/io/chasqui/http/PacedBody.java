package io.chasqui.http;

import io.smallrye.mutiny.Multi;

/** The body of a response that is written piece by piece, at the pace of its reader. */
sealed interface PacedBody permits EventStream, WholeBody {
  /** Its pieces, any number in each item; they become bytes where they are written, one by one. */
  Multi<Iterable<byte[]>> pieces();
}
