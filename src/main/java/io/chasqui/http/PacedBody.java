package io.chasqui.http;

import io.smallrye.mutiny.Multi;
import java.util.function.Supplier;

/** The body of a response that is written piece by piece, at the pace of its reader. */
sealed interface PacedBody permits EventStream, WholeBody {
  /** Its pieces, which become bytes where they are written. */
  Multi<Supplier<byte[]>> pieces();
}
