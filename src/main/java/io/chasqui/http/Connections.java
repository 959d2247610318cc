package io.chasqui.http;

import io.netty.bootstrap.ChannelInitializerExtension;
import io.netty.channel.Channel;
import io.netty.handler.timeout.IdleStateHandler;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * All connections of the process. There are files and memory for so many, which they {@linkplain
 * FairShare share}: one that is idle, or whose requests all wait for their client, gives way to a
 * new one. So a probe gets through.
 */
final class Connections {
  private static final Logger LOG = Logger.getLogger(Connections.class);

  /** What one takes of the heap, its buffers and handlers included; measured 10 to 20 KB. */
  private static final long BYTES = 32 << 10;

  /** Files that the process may open later: the model, its caches, those of a new key file. */
  private static final int SPARE_FILES = 64;

  /** Where the system does not tell, and the least that any has. */
  private static final int USUAL_FILES = 1024;

  private static final Pattern OPEN_FILES = Pattern.compile("(?m)^Max open files +(\\d+) ");

  private static final long LOG_PERIOD = TimeUnit.MINUTES.toNanos(1);

  /** Null before the server is about to listen. */
  private static volatile Connections installed;

  private final FairShare places;
  private final Duration headTimeout;
  private final Duration unreadTimeout;
  private final Http2Streams streams;
  private final int room;
  private final AtomicLong loggedAt = new AtomicLong(System.nanoTime() - LOG_PERIOD);

  /**
   * @param headTimeout how long a head may take to arrive
   * @param unreadTimeout how long a client may read nothing of what waits for it
   * @param streams those of HTTP/2, of all connections
   * @param room how many connections there can be
   */
  private Connections(
      Duration headTimeout, Duration unreadTimeout, Http2Streams streams, int room) {
    this.headTimeout = headTimeout;
    this.unreadTimeout = unreadTimeout;
    this.streams = streams;
    this.room = room;
    places = new FairShare(room, Duration.ZERO); // a new one has little to lose, and may be a probe
  }

  /** To be called before the server listens. */
  static void install(Duration headTimeout, Duration unreadTimeout, Http2Streams streams) {
    long ofHeap = Runtime.getRuntime().maxMemory() / 8 / BYTES;
    int room = (int) Math.min(roomForFiles(), Math.max(ofHeap, 128));
    installed = new Connections(headTimeout, unreadTimeout, streams, room);
    System.setProperty(ChannelInitializerExtension.EXTENSIONS_SYSTEM_PROPERTY, "serviceload");
  }

  /** Whether the server can work on a request of one more connection. */
  static boolean hasRoomToWork(HttpServerRequest request) {
    Connections connections = installed;
    return connections == null
        || connections.places.hasRoomToWork(request.remoteAddress().hostAddress());
  }

  private static int roomForFiles() {
    int limit = USUAL_FILES;
    long used = USUAL_FILES / 8;
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      limit = openFiles(Files.readString(Path.of("/proc/self/limits"))).orElse(USUAL_FILES);
      used = open.count();
    } catch (IOException e) {
      LOG.debug("The limit of open files is not known", e);
    }
    return (int) Math.max(limit - used - SPARE_FILES, 16);
  }

  /**
   * The limit of open files; empty where there is none.
   *
   * @param limits {@code /proc/self/limits}
   */
  private static Optional<Integer> openFiles(String limits) {
    Matcher files = OPEN_FILES.matcher(limits);
    return files.find()
        ? Optional.of((int) Math.min(Long.parseLong(files.group(1)), Integer.MAX_VALUE))
        : Optional.empty();
  }

  /** Netty calls one of these for each connection, if it is asked to by {@link #install}. */
  public static final class Installer extends ChannelInitializerExtension {
    @Override
    public void postInitializeServerChildChannel(Channel channel) {
      Connections connections = installed;
      if (connections != null) {
        connections.open(channel);
      }
    }
  }

  private void open(Channel channel) {
    FairShare.Part place = places.new Part(host(channel), () -> giveWay(channel));
    place.waitForClient(); // for its first head
    if (!place.take(1)) {
      place.end();
      // Not registered yet, so that there is no event loop to close it on.
      channel.unsafe().closeForcibly();
      return;
    }
    var _ = channel.closeFuture().addListener(closed -> place.end());
    channel
        .pipeline()
        .addFirst(
            new IdleStateHandler(true, 0, unreadTimeout.toMillis(), 0, TimeUnit.MILLISECONDS),
            new Connection(channel, place, streams, headTimeout));
  }

  /** Where it comes from, without the port. */
  static String host(Channel channel) {
    return channel.remoteAddress() instanceof InetSocketAddress internet
        ? internet.getAddress().getHostAddress()
        : String.valueOf(channel.remoteAddress());
  }

  private void giveWay(Channel channel) {
    if (channel.isRegistered()) { // else it closes itself as soon as it is
      channel.eventLoop().execute(() -> Connection.close(channel));
    }
    long now = System.nanoTime();
    long last = loggedAt.get();
    if (now - last >= LOG_PERIOD && loggedAt.compareAndSet(last, now)) {
      LOG.warnf(
          "There are files or memory for %d connections: those whose clients do nothing are closed now",
          room);
    }
  }
}
