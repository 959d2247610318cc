package io.chasqui.benchmark;

import io.chasqui.benchmark.ColdResults.Quantity;
import io.chasqui.benchmark.Servers.Model;
import io.chasqui.benchmark.Servers.Variant;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Starts servers of one model. A start answers one question, so that no probe takes time from what
 * another one measures.
 */
final class ColdStarts {
  private static final int SHORT_PROMPT = 8;
  private static final int LONG_PROMPT = 512;
  private static final double MILLIS = 1e3;
  private static final double MB = 1e6;

  private final Servers servers;
  private final Model model;
  private final int vocabulary;
  private final int longestPrompt;
  private final long weightBytes;

  /**
   * @param packed the model, of which nothing is kept
   */
  ColdStarts(Servers servers, Model model, PackedModel packed) {
    this.servers = servers;
    this.model = model;
    vocabulary = packed.config().vocabulary();
    longestPrompt = packed.config().context() - 1; // one position is the answer's
    weightBytes = packed.weightBytes();
  }

  /**
   * What one round of a variant came to.
   *
   * @param kernels that the server's log names
   */
  record Result(Map<Quantity, Double> numbers, Optional<String> kernels) {}

  /** Starts a variant three times: to be ready, for a short prompt, for a long one. */
  Result measure(Variant variant, PageCache pageCache) throws IOException, InterruptedException {
    Map<Quantity, Double> numbers = new EnumMap<>(Quantity.class);
    Optional<String> kernels;
    try (Server server = start(variant, pageCache)) {
      numbers.put(Quantity.PORT_OPEN_MS, MILLIS * server.awaitPort());
      numbers.put(Quantity.READY_MS, MILLIS * server.awaitHealthy());
    }
    try (Server server = start(variant, pageCache)) {
      numbers.put(Quantity.FIRST_TOKEN_8_MS, firstToken(server, SHORT_PROMPT));
      Server.Resident resident = server.resident();
      numbers.put(Quantity.RESIDENT_ANONYMOUS_MB, resident.anonymous() / MB);
      numbers.put(Quantity.RESIDENT_FILES_MB, resident.file() / MB);
      numbers.put(Quantity.RESIDENT_BEYOND_WEIGHTS_MB, (resident.all() - weightBytes) / MB);
      kernels = server.kernels();
    }
    try (Server server = start(variant, pageCache)) {
      numbers.put(
          Quantity.FIRST_TOKEN_512_MS, firstToken(server, Math.min(LONG_PROMPT, longestPrompt)));
    }
    return new Result(numbers, kernels);
  }

  private Server start(Variant variant, PageCache pageCache) throws IOException {
    pageCache.prepare(servers.files(variant, model));
    return new Server(servers.launch(variant, model, 1, servers.peers().log("cold-" + variant)));
  }

  private double firstToken(Server server, int promptTokens)
      throws IOException, InterruptedException {
    server.awaitPort();
    return MILLIS * server.awaitFirstToken(CompletionStream.request(promptTokens, vocabulary));
  }
}
