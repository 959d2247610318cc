package io.chasqui.engine;

import io.chasqui.pack.OthersMayWrite;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.nio.file.Path;
import java.util.Optional;

/** The packed file that an engine has mapped. Thread-safe. */
public final class ModelFile {
  private final PackedModel model;
  private final Path path;

  ModelFile(PackedModel model, Path path) {
    this.model = model;
    this.path = path;
  }

  /** Where it was when it was opened. */
  public Path path() {
    return path;
  }

  /** Who can write to it besides this process's user and root, if anybody can. */
  public Optional<String> whoElseMayWrite() {
    return OthersMayWrite.to(path);
  }

  /** Whether the engine still has it. */
  public boolean isOpen() {
    return model.isOpen();
  }

  /**
   * Whether a part that the engine has mapped is not there any more. The system ends the process
   * when the engine reads it.
   */
  public boolean hasShrunk() {
    return model.hasShrunk();
  }

  /**
   * Reads all of it and compares the digests of its sections, slowly: this takes at most a tenth of
   * a processor and of what the disk gives. Returns, too, when the engine is closed.
   *
   * @throws io.chasqui.pack.ModelFormatException if it is damaged or cannot be read
   */
  public void verifySlowly() {
    model.verifyDigests(new Pace());
  }

  /** Rests nine times as long as the last part has taken. */
  private static final class Pace implements Progress {
    private long resumed = System.nanoTime();

    @Override
    public void start(String what, long totalBytes, long presentBytes) {}

    @Override
    public void advance(long bytes) {
      long took = System.nanoTime() - resumed;
      try {
        Thread.sleep(9 * took / 1_000_000, (int) (9 * took % 1_000_000));
      } catch (InterruptedException e) {
        throw new IllegalStateException("the check of a model's file was interrupted", e);
      }
      resumed = System.nanoTime();
    }

    @Override
    public void done() {}
  }
}
