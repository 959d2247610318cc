package io.chasqui.http;

import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Whether a request waits for its client: for the rest of it, until earlier answers are read, or
 * until this one is. Meanwhile, it gives way to others in all that it has a part of. It waits from
 * its beginning until the server has all that it needs.
 */
final class ClientWait {
  private static final String KEY = ClientWait.class.getName();

  private final Optional<Connection> connection;
  private final List<FairShare.Part> parts = new ArrayList<>();
  private boolean waits = true;
  private boolean isAnswered;

  private ClientWait(Optional<Connection> connection) {
    this.connection = connection;
  }

  /** Begins to wait for the client of a request that has just come. */
  static void begin(RoutingContext client) {
    var wait = new ClientWait(Connection.of(client.request()));
    client.put(KEY, wait);
    client.addEndHandler(answered -> wait.end());
  }

  /** That of a request which has {@linkplain #begin begun}. */
  static ClientWait of(RoutingContext client) {
    return client.get(KEY);
  }

  /** The request has taken a part of something. */
  synchronized void add(FairShare.Part part) {
    parts.add(part);
    if (waits) {
      part.waitForClient();
    }
  }

  /** The client has something to send or to read. */
  synchronized void waitForClient() {
    if (!waits) {
      waits = true;
      parts.forEach(FairShare.Part::waitForClient);
      connection.ifPresent(Connection::waitForClient);
    }
  }

  /** The answer is written to its end: what is left to do is to read it. */
  private synchronized void end() {
    waitForClient();
    isAnswered = true;
  }

  /** The client has done so. */
  synchronized void goOn() {
    if (waits && !isAnswered) {
      waits = false;
      parts.forEach(FairShare.Part::goOn);
      connection.ifPresent(Connection::goOn);
    }
  }
}
