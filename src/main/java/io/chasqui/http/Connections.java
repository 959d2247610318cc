package io.chasqui.http;

import io.netty.bootstrap.ChannelInitializerExtension;
import io.netty.channel.Channel;
import io.netty.handler.timeout.IdleStateHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * All connections of the process. When there are as many as it has files and memory for, a new one
 * takes the place of an idle one: of the address that has most, the one that is idle for longest.
 * So nobody keeps others out by opening connections, and a probe gets through.
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

  private final Set<Connection> all = ConcurrentHashMap.newKeySet();
  private final Duration headTimeout;
  private final Duration unreadTimeout;
  private final int most;
  private final int hardLimit;
  private final AtomicLong loggedAt = new AtomicLong(System.nanoTime() - LOG_PERIOD);

  /**
   * @param headTimeout how long a head may take to arrive
   * @param unreadTimeout how long a client may read nothing of what waits for it
   * @param room how many connections there can be
   */
  private Connections(Duration headTimeout, Duration unreadTimeout, int room) {
    this.headTimeout = headTimeout;
    this.unreadTimeout = unreadTimeout;
    // The rest is for new ones while all that are there are busy.
    most = room - room / 8;
    hardLimit = room;
  }

  /** To be called before the server listens. */
  static void install(Duration headTimeout, Duration unreadTimeout) {
    long ofHeap = Runtime.getRuntime().maxMemory() / 8 / BYTES;
    int room = (int) Math.min(roomForFiles(), Math.max(ofHeap, 128));
    installed = new Connections(headTimeout, unreadTimeout, room);
    System.setProperty(ChannelInitializerExtension.EXTENSIONS_SYSTEM_PROPERTY, "serviceload");
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
    if (all.size() >= most) {
      makeRoom();
    }
    if (all.size() >= hardLimit) {
      // Not registered yet, so that there is no event loop to close it on.
      channel.unsafe().closeForcibly();
      return;
    }
    var opened = new Connection(channel, headTimeout);
    all.add(opened);
    var _ = channel.closeFuture().addListener(closed -> all.remove(opened));
    channel
        .pipeline()
        .addFirst(
            new IdleStateHandler(true, 0, unreadTimeout.toMillis(), 0, TimeUnit.MILLISECONDS),
            opened);
  }

  private void makeRoom() {
    long now = System.nanoTime();
    long last = loggedAt.get();
    if (now - last >= LOG_PERIOD && loggedAt.compareAndSet(last, now)) {
      LOG.warnf(
          "There are %d connections, and files or memory for %d: idle ones are closed now",
          all.size(), hardLimit);
    }
    leastNeeded().ifPresent(Connection::giveWay);
  }

  /** Which connection to close: an idle one, for longest, of the address that has most. */
  private Optional<Connection> leastNeeded() {
    Map<String, Long> held =
        all.stream().collect(Collectors.groupingBy(Connection::remoteHost, Collectors.counting()));
    // One that has come since is the first of its address here.
    return all.stream()
        .filter(Connection::isIdle)
        .min(
            Comparator.<Connection>comparingLong(each -> -held.getOrDefault(each.remoteHost(), 0L))
                .thenComparingLong(Connection::idleSince));
  }
}
