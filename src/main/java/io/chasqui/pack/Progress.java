package io.chasqui.pack;

/** Told how far something long has come. Called by one thread at a time. */
public interface Progress {
  /** Tells nobody. */
  Progress NONE =
      new Progress() {
        @Override
        public void start(String what, long totalBytes, long presentBytes) {}

        @Override
        public void advance(long bytes) {}

        @Override
        public void done() {}
      };

  /**
   * Something begins.
   *
   * @param what what it is, for people
   * @param totalBytes its size; 0 when that is not known
   * @param presentBytes how much of it was there before
   */
  void start(String what, long totalBytes, long presentBytes);

  /**
   * It went on.
   *
   * @param bytes how far since the last call; negative when a part has to be done again
   */
  void advance(long bytes);

  /** It ended, well or badly. */
  void done();
}
