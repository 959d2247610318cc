package io.chasqui.engine;

/** An error has ended the engine's thread: the engine answers nothing any more. */
public final class EngineFailedException extends RuntimeException {
  EngineFailedException(Throwable cause) {
    super("The engine has failed; the server's log tells why. Try another replica.", cause);
  }
}
