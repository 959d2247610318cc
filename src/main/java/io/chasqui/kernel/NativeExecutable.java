package io.chasqui.kernel;

import java.util.ServiceLoader;

/** What is so only where this program is an executable, made by GraalVM, that needs no JVM. */
public final class NativeExecutable {
  /**
   * Whether this is such an executable. It is known when the executable is made, so that code for
   * the other case is not in it.
   */
  public static final boolean IS = System.getProperty("org.graalvm.nativeimage.imagecode") != null;

  /** The functions of C that are linked in; null on a JVM. */
  static final CFunctions FUNCTIONS = linked(CFunctions.class);

  /** Likewise. */
  static final CHeap HEAP = linked(CHeap.class);

  private NativeExecutable() {}

  private static <T> T linked(Class<T> functions) {
    if (!IS) {
      return null;
    }
    return ServiceLoader.load(functions, NativeExecutable.class.getClassLoader())
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("nothing provides " + functions));
  }

  /**
   * What to throw where an executable is asked for what it cannot do.
   *
   * @param what the subject of a sentence
   * @param instead how the user gets it all the same
   */
  public static IllegalArgumentException needsJvm(String what, String instead) {
    return new IllegalArgumentException("%s needs a JVM: %s".formatted(what, instead));
  }
}
