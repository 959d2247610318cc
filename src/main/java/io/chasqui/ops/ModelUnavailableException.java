package io.chasqui.ops;

/** No request will be answered by this process: its model cannot be loaded, or it stops. */
public final class ModelUnavailableException extends RuntimeException {
  ModelUnavailableException(Throwable cause) {
    super("The model could not be loaded; the server's log tells why.", cause);
  }

  private ModelUnavailableException(String message) {
    super(message);
  }

  /** The process stops before the model is loaded. */
  static ModelUnavailableException stopping() {
    return new ModelUnavailableException("The server is stopping; try another replica.");
  }
}
