package io.chasqui.ops;

import io.chasqui.DemoFiles;
import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Speculation;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.health.api.AsyncHealthCheck;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.health.HealthCheckResponse;

/**
 * A demo model beside the application's own, for tests that need other settings, or a model that is
 * still loading for as long as they like. One that has none of the names below and is not called
 * {@code demo} never ends its turn: its answers go on to the end of the context.
 */
public final class LentModel implements AutoCloseable {
  /** The name of a model that Jlama runs. */
  public static final String ON_JLAMA = "on-jlama";

  /** The demo model, whose name is not set and comes from its file. */
  public static final String UNNAMED = "unnamed";

  /** A model that cannot be loaded. */
  public static final String BROKEN = "broken";

  /** The demo model with a pattern that takes for ever where a text has many a in a row. */
  public static final String ENDLESS_PATTERN = "endless-pattern";

  private final AtomicInteger exits = new AtomicInteger();
  private final CountDownLatch mayLoad = new CountDownLatch(1);
  private final MeterRegistry registry = new HoldingRegistry();
  private volatile CountDownLatch held = new CountDownLatch(0);
  private volatile boolean isBroken;
  private final ServedModel served;
  private final OpenRequests open = new OpenRequests();
  private final Drain drain;

  /** A model that does not load before {@link #letLoad()}. */
  public LentModel(String name, int queueCapacity, Duration stallTimeout) {
    var settings = new Settings(name, queueCapacity, stallTimeout, mayLoad);
    var coldStart = new ColdStart(registry);
    coldStart.ended(ColdStart.Phase.LISTEN); // by the server that it is lent to
    served =
        new ServedModel(settings, new EngineMetrics(registry), coldStart, exits::incrementAndGet);
    drain = new Drain(served, open, settings.drain(), exits::incrementAndGet);
  }

  /** What SIGTERM asks for. */
  Drain drain() {
    return drain;
  }

  /**
   * Holds the engine's thread after its next step, until {@link #release}: what runs then runs on,
   * and what comes waits.
   */
  public void hold() {
    held = new CountDownLatch(1);
  }

  public void release() {
    held.countDown();
  }

  /** Ends the engine's thread by an error, at its next step or where it is held. */
  public void breakDown() {
    isBroken = true;
    release();
  }

  /** The engine counts its steps, on its own thread. */
  private final class HoldingRegistry extends SimpleMeterRegistry {
    @Override
    protected Counter newCounter(Meter.Id id) {
      Counter counter = super.newCounter(id);
      if (!id.getName().equals("chasqui_steps")) {
        return counter;
      }
      return new Counter() {
        @Override
        public void increment(double amount) {
          counter.increment(amount);
          try {
            held.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException("a held engine was interrupted", e);
          }
          if (isBroken) {
            throw new StackOverflowError("on purpose");
          }
        }

        @Override
        public double count() {
          return counter.count();
        }

        @Override
        public Meter.Id getId() {
          return id;
        }
      };
    }
  }

  public void letLoad() {
    mayLoad.countDown();
  }

  public ServedModel served() {
    return served;
  }

  /** The engine; waits until it is loaded. */
  public Engine engine() {
    return served.engine().await().atMost(Duration.ofMinutes(1));
  }

  /** How often the process was to end. */
  public int exits() {
    return exits.get();
  }

  public double gauge(String name) {
    return registry.get(name).gauge().value();
  }

  public double counter(String name) {
    return registry.get(name).counter().count();
  }

  /** Tokens that the engine has computed. */
  public long tokensComputed() {
    return registry.get("vllm:time_to_first_token_seconds").timer().count()
        + registry.get("vllm:inter_token_latency_seconds").timer().count();
  }

  /** Answers that ended for a reason. */
  public double ended(String reason) {
    var counter = registry.find("vllm:request_success").tag("finished_reason", reason).counter();
    return counter == null ? 0 : counter.count();
  }

  /** Whether the process would be told to be ready. */
  public boolean isReady() {
    return isUp(health().ready());
  }

  /** Whether the process would be told to be live. */
  public boolean isLive() {
    return isUp(health().live());
  }

  static boolean isUp(AsyncHealthCheck check) {
    return check.call().await().indefinitely().getStatus() == HealthCheckResponse.Status.UP;
  }

  HealthChecks health() {
    return new HealthChecks(served, drain);
  }

  @Override
  public void close() {
    release();
    letLoad();
    served.engine().onFailure().recoverWithNull().await().atMost(Duration.ofMinutes(1));
    served.close();
  }

  private record Settings(String name, int capacity, Duration stallTimeout, CountDownLatch mayLoad)
      implements ChasquiConfig {
    @Override
    public String model() {
      try {
        mayLoad.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException("a test's model was interrupted before it loaded", e);
      }
      return switch (name) {
        case "demo", UNNAMED -> "demo";
        case BROKEN -> "/there/is/no/such/model";
        case ON_JLAMA -> gemma().toString();
        case ENDLESS_PATTERN ->
            packed(
                    "tokenizer.json",
                    "\"pretokenizers\":\\s*\\[",
                    "$0{\"type\": \"Split\", \"behavior\": \"Isolated\","
                        + " \"pattern\": {\"Regex\": \"a*a*a*a*z\"}},")
                .toString();
        default -> endless().toString();
      };
    }

    /** The demo model under the name of a family that our own decoder does not know. */
    private static Path gemma() {
      try {
        Path directory = Files.createTempDirectory("gemma-model");
        ModelDirectory source = DemoFiles.copyTo(directory);
        DemoFiles.edit(
            source, "config.json", "\"model_type\": \"llama\"", "\"model_type\": \"gemma\"");
        // Jlama's Gemma reads one id only.
        DemoFiles.edit(
            source, "config.json", "(?s)\"eos_token_id\": \\[.*?]", "\"eos_token_id\": 2047");
        deleteOnExit(directory);
        return directory;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** The demo model without tokens that end a turn, packed. */
    private static Path endless() {
      return packed("config.json", "\"eos_token_id\": \\[[^]]*]", "\"eos_token_id\": []");
    }

    /** The demo model with one of its files edited, packed. */
    private static Path packed(String file, String regex, String replacement) {
      try {
        Path directory = Files.createTempDirectory("edited-model");
        ModelDirectory source = DemoFiles.copyTo(directory.resolve("source"));
        DemoFiles.edit(source, file, regex, replacement);
        Path packed = directory.resolve("edited.chasqui");
        ModelPacker.pack(source, packed, DType.Q8, Progress.NONE);
        deleteOnExit(directory);
        return packed;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** With all that is in it: what is registered last is deleted first. */
    private static void deleteOnExit(Path directory) throws IOException {
      try (var all = Files.walk(directory)) {
        all.map(Path::toFile).forEach(File::deleteOnExit);
      }
    }

    @Override
    public boolean verify() {
      return false;
    }

    @Override
    public Optional<String> servedModelName() {
      return name.equals(UNNAMED) ? Optional.empty() : Optional.of(name);
    }

    @Override
    public int maxModelLen() {
      return 512;
    }

    @Override
    public OptionalInt maxNumSeqs() {
      return OptionalInt.of(1);
    }

    @Override
    public KvCache kvCache() {
      return new KvCache() {
        @Override
        public KvLayout.Type dtype() {
          return KvLayout.Type.F16;
        }

        @Override
        public Optional<MemorySize> memory() {
          return Optional.empty();
        }
      };
    }

    @Override
    public Speculation speculation() {
      return Speculation.OFF;
    }

    @Override
    public Optional<Duration> requestTimeout() {
      return Optional.empty();
    }

    @Override
    public Duration headTimeout() {
      return Duration.ofSeconds(10);
    }

    @Override
    public Duration bodyTimeout() {
      return Duration.ofSeconds(30);
    }

    @Override
    public Optional<MemorySize> maxBodySize() {
      return Optional.empty();
    }

    @Override
    public Optional<Path> apiKeysFile() {
      return Optional.empty();
    }

    @Override
    public DrainSettings drain() {
      return new DrainSettings() {
        @Override
        public Duration timeout() {
          return Duration.ofSeconds(10);
        }

        @Override
        public Duration quietPeriod() {
          return Duration.ofMillis(10);
        }
      };
    }

    @Override
    public Queue queue() {
      return () -> capacity;
    }

    @Override
    public Stream stream() {
      return new Stream() {
        @Override
        public Duration stallTimeout() {
          return stallTimeout;
        }

        @Override
        public Duration keepAlive() {
          return Duration.ofSeconds(10);
        }
      };
    }
  }
}
