package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.core.Vertx;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * The keys of which the API wants one, from a file that may change while the process runs: each
 * line a name, the key or {@code sha256:} and its digest in hexadecimal digits, and if need be
 * {@code requests=N} and {@code tokens=N}, what it is good for in a minute, and {@code priority=N},
 * how urgent its requests may be. Empty lines and those that begin with {@code #} say nothing.
 */
@Singleton
@Startup
class ApiKeys {
  private static final Logger LOG = Logger.getLogger(ApiKeys.class);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  /**
   * How long a changed file must stay as it is before it counts: who writes it in place leaves it
   * empty, or a key cut in two, for moments.
   */
  private static final Duration QUIET = Duration.ofSeconds(2);

  /** Shorter ones can be guessed. */
  private static final int SHORTEST = 16;

  private static final String DIGEST = "sha256:";

  private final Optional<Path> file;

  /** What the keys were read from last. */
  private String content = "";

  /** The file as it was when it was looked at last; null if it could not be read. */
  private Version latest;

  /** Since when it has been that, by {@link System#nanoTime}. */
  private long latestSince;

  /** What a file has, and when it was written. */
  private record Version(FileTime written, String content) {
    static Version of(Path path) throws IOException {
      // The time first: a change after it shows when the file is looked at again.
      FileTime written = Files.getLastModifiedTime(path);
      return new Version(written, Files.readString(path));
    }
  }

  /** By their lines: one that stays as it is keeps what it has left. */
  private volatile Map<String, ApiKey> keys = Map.of();

  ApiKeys(ChasquiConfig config, Vertx vertx) {
    file = config.apiKeysFile();
    if (file.isPresent()) {
      read(file.get());
      vertx.setPeriodic(PERIOD.toMillis(), timer -> vertx.executeBlocking(this::readAgain, false));
    }
  }

  /** Whether a request needs a key. */
  boolean areNeeded() {
    return file.isPresent();
  }

  /** The key that is presented, compared in the same time whatever it is. */
  Optional<ApiKey> find(String presented) {
    byte[] digest = Sha256.of(presented);
    ApiKey found = null;
    for (ApiKey key : keys.values()) {
      if (MessageDigest.isEqual(key.digest(), digest)) {
        found = key;
      }
    }
    return Optional.ofNullable(found);
  }

  /**
   * Reads the file for the first time.
   *
   * @throws ConfigurationException if it cannot be used
   */
  // A ConfigurationException with a cause would be printed with the traces of both.
  @SuppressWarnings("UnusedException")
  private void read(Path path) {
    try {
      set(Files.readString(path));
    } catch (IOException e) {
      throw new ConfigurationException("The file with API keys cannot be read: " + path);
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(path + ": " + e.getMessage());
    }
  }

  /** Keeps the keys that there are if the new ones cannot be used. */
  private synchronized Void readAgain() {
    try {
      Version now = Version.of(file.orElseThrow());
      if (!now.equals(latest)) {
        latest = now;
        latestSince = System.nanoTime();
      } else if (!now.content.equals(content)
          && System.nanoTime() - latestSince >= QUIET.toNanos()) {
        set(now.content);
        LOG.infof("The file with API keys has changed: %d keys", keys.size());
      }
    } catch (IOException e) {
      if (latest != null) {
        LOG.warnf("The file with API keys cannot be read, its keys stay as they are: %s", e);
      }
      latest = null;
    } catch (IllegalArgumentException e) {
      LOG.warnf(
          "The file with API keys cannot be used, its keys stay as they are: %s: %s",
          file.orElseThrow(), e.getMessage());
    }
    return null;
  }

  private void set(String text) {
    content = text;
    keys = parse(text, keys);
  }

  /**
   * Reads keys.
   *
   * @param known those of them that are the same
   * @throws IllegalArgumentException if a line is wrong, or none has a key; says which, and nothing
   *     of what it has
   */
  static Map<String, ApiKey> parse(String text, Map<String, ApiKey> known) {
    Map<String, ApiKey> keys = new LinkedHashMap<>();
    Set<String> digests = new HashSet<>();
    int number = 0;
    for (String line : text.lines().map(String::strip).toList()) {
      number++;
      if (!line.isEmpty() && !line.startsWith("#")) {
        ApiKey same = known.get(line);
        ApiKey key = same != null ? same : parse(line, number);
        if (!digests.add(HexFormat.of().formatHex(key.digest()))) {
          throw wrong(number, "has a key that no other line has");
        }
        keys.put(line, key);
      }
    }
    if (keys.isEmpty()) {
      throw new IllegalArgumentException(
          "it has no key: write at least one line with a name and a key");
    }
    return keys;
  }

  private static ApiKey parse(String line, int number) {
    String[] words = line.split("\\s+", -1);
    if (words.length < 2) {
      throw wrong(number, "has a name and a key, with a blank between them");
    }
    Optional<Quota> requests = Optional.empty();
    Optional<Quota> tokens = Optional.empty();
    int priority = 0;
    Set<String> limits = new HashSet<>();
    for (int i = 2; i < words.length; i++) {
      if (!limits.add(words[i].replaceFirst("=.*", ""))) {
        throw wrong(number, "has each limit once");
      }
      if (words[i].matches("requests=[1-9][0-9]{0,8}")) {
        requests = quota(words[i]);
      } else if (words[i].matches("tokens=[1-9][0-9]{0,8}")) {
        tokens = quota(words[i]);
      } else if (words[i].matches("priority=-?[0-9]{1,9}")) {
        priority = Integer.parseInt(words[i].substring(words[i].indexOf('=') + 1));
      } else {
        throw wrong(
            number,
            "has nothing after the key but requests=N and tokens=N, a minute, and priority=N");
      }
    }
    return new ApiKey(words[0], digest(words[1], number), requests, tokens, priority);
  }

  private static Optional<Quota> quota(String limit) {
    long perMinute = Long.parseLong(limit.substring(limit.indexOf('=') + 1));
    return Optional.of(new Quota(perMinute, System::nanoTime));
  }

  private static byte[] digest(String key, int number) {
    if (key.startsWith(DIGEST)) {
      String digits = key.substring(DIGEST.length());
      if (!digits.matches("[0-9a-fA-F]{64}")) {
        throw wrong(number, "has 64 hexadecimal digits after " + DIGEST);
      }
      return HexFormat.of().parseHex(digits);
    }
    if (key.length() < SHORTEST) {
      throw wrong(number, "has a key of at least %d characters".formatted(SHORTEST));
    }
    return Sha256.of(key);
  }

  private static IllegalArgumentException wrong(int line, String expected) {
    return new IllegalArgumentException("line %d is wrong: a line %s".formatted(line, expected));
  }
}
