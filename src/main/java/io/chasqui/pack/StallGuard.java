package io.chasqui.pack;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Ends reads that wait too long: the JDK's client has a time limit for a response's head, none for
 * its body.
 */
final class StallGuard implements AutoCloseable {
  private final long patienceNanos;
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().daemon().name("download-stall-guard").factory());

  StallGuard(Duration patience) {
    patienceNanos = patience.toNanos();
    timer.setRemoveOnCancelPolicy(true);
  }

  /** The same bytes; a read that gets none within the time limit fails. */
  InputStream watch(InputStream body) {
    return new Watched(body);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private final class Watched extends FilterInputStream {
    private volatile boolean stalled;

    Watched(InputStream body) {
      super(body);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      ScheduledFuture<?> limit = timer.schedule(this::giveUp, patienceNanos, TimeUnit.NANOSECONDS);
      try {
        int count = super.read(bytes, offset, length);
        if (count < 0 && stalled) {
          throw new IOException("closed");
        }
        return count;
      } catch (IOException e) {
        throw stalled
            ? new IOException(
                "no data for %d seconds".formatted(TimeUnit.NANOSECONDS.toSeconds(patienceNanos)),
                e)
            : e;
      } finally {
        limit.cancel(false);
      }
    }

    private void giveUp() {
      stalled = true;
      try {
        in.close();
      } catch (IOException e) {
        // The reader sees the stream's end, and says that it stalled.
        stalled = true;
      }
    }
  }
}
