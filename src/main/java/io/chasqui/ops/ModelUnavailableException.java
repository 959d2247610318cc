package io.chasqui.ops;

/** The model could not be loaded: no request will ever be answered by this process. */
public final class ModelUnavailableException extends RuntimeException {
  ModelUnavailableException(Throwable cause) {
    super("The model could not be loaded; the server's log tells why.", cause);
  }
}
