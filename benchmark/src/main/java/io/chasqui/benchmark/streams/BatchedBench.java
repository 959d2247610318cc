package io.chasqui.benchmark.streams;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.benchmark.JsonProgram;
import io.chasqui.benchmark.Processors;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.PeerDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/**
 * llama-batched-bench: what llama.cpp makes of streams that are sent at once without HTTP, and
 * without choosing tokens. It computes all prompts first, then a token of each stream at a time.
 */
record BatchedBench(PeerDirectory peers, int threads) {
  static final String NAME = "llama-batched-bench";

  Subject subject() {
    return peers.describe(Subject.of(NAME, NAME).asBaseline().on("", "", threads));
  }

  boolean isThere() {
    return Files.isExecutable(peers.llamaCppFiles().resolve("usr/bin").resolve(NAME));
  }

  /** Runs it once, with as many streams. */
  Map<StreamQuantity, Double> measure(int streams) throws IOException, InterruptedException {
    List<String> command =
        peers.llamaCpp(
            NAME,
            "-m",
            peers.gguf().toString(),
            "-c",
            String.valueOf(streams * (StreamMeter.PROMPT + StreamMeter.ANSWER)),
            "-t",
            String.valueOf(threads),
            "-npp",
            String.valueOf(StreamMeter.PROMPT),
            "-ntg",
            String.valueOf(StreamMeter.ANSWER),
            "-npl",
            String.valueOf(streams),
            "--output-format",
            "jsonl");
    return numbers(JsonProgram.run(Processors.bind(command, threads), peers.log(NAME)).getFirst());
  }

  /** Reads a line of its output, whose times are in seconds. */
  static Map<StreamQuantity, Double> numbers(JsonNode result) {
    int tokens = result.path("pl").asInt() * result.path("tg").asInt();
    return Map.of(
        StreamQuantity.TOKENS_PER_SECOND,
        tokens / result.path("t").asDouble(),
        StreamQuantity.DECODE_TOKENS_PER_SECOND,
        result.path("speed_tg").asDouble(),
        StreamQuantity.LAST_FIRST_TOKEN_MS,
        1e3 * result.path("t_pp").asDouble());
  }
}
