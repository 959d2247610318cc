package io.chasqui.ops;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * The signal SIGTERM. It is handled by reflection, because javac warns of {@code sun.misc.Signal}
 * and cannot be told not to; nothing else lets a process exit with 0 after it.
 */
final class Termination {
  private Termination() {}

  /** Runs this on the signal, instead of what ends the process. */
  static void handle(Runnable action) {
    InvocationHandler run =
        (proxy, method, arguments) -> {
          action.run();
          return null;
        };
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, run);
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance("TERM"), proxy);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the module jdk.unsupported is missing", e);
    }
  }
}
