package io.chasqui.benchmark.cold;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Model;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.servers.Servers.Weights;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Starts servers of one model. A start answers one question, so that no probe takes time from what
 * another one measures.
 */
final class ColdStarts {
  private static final int SHORT_PROMPT = 8;
  private static final int LONG_PROMPT = 512;
  private static final double MILLIS = 1e3;

  private static final Quantity PORT_OPEN = Quantity.lower("port open", "ms", 0);
  private static final Quantity READY = Quantity.lower("ready", "ms", 0);
  private static final Quantity FIRST_TOKEN_SHORT =
      Quantity.lower("first token, prompt of %d".formatted(SHORT_PROMPT), "ms", 0);
  private static final Quantity FIRST_TOKEN_LONG =
      Quantity.lower("first token, prompt of %d".formatted(LONG_PROMPT), "ms", 0);

  private final Servers servers;
  private final Model model;
  private final Weights weights;
  private final int vocabulary;
  private final int longestPrompt;

  /**
   * @param packed the model, of which nothing is kept
   */
  ColdStarts(Servers servers, Model model, PackedModel packed) {
    this.servers = servers;
    this.model = model;
    weights = Weights.of(servers.name(model), packed);
    vocabulary = packed.config().vocabulary();
    longestPrompt = packed.config().context() - 1; // one position is the answer's
  }

  /** What one round of a variant came to. Times are from the start of the process. */
  record Result(Subject subject, Map<Quantity, Double> numbers) {}

  /** Starts a variant three times: to be ready, for a short prompt, for a long one. */
  Result measure(Variant variant, PageCache pageCache) throws IOException, InterruptedException {
    Map<Quantity, Double> numbers = new LinkedHashMap<>();
    Subject subject = variant.subject(variant + "-" + model);
    Server.Resident resident;
    try (Server server = start(variant, pageCache)) {
      numbers.put(PORT_OPEN, MILLIS * server.awaitPort());
      numbers.put(READY, MILLIS * server.awaitHealthy());
    }
    try (Server server = start(variant, pageCache)) {
      numbers.put(FIRST_TOKEN_SHORT, firstToken(server, SHORT_PROMPT));
      resident = server.resident();
      subject = servers.describe(subject, variant, weights, server);
    }
    try (Server server = start(variant, pageCache)) {
      numbers.put(FIRST_TOKEN_LONG, firstToken(server, Math.min(LONG_PROMPT, longestPrompt)));
    }
    numbers.putAll(resident.numbers(weights.bytes()));
    return new Result(subject, numbers);
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
