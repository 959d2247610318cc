package io.chasqui.engine;

import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.safetensors.WeightLoader;
import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBudget;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelSettings;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.SafetensorsFiles;
import io.chasqui.pack.TokenizerJson;
import io.chasqui.sampling.Sampler;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.StopMatcher;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenSet;
import io.chasqui.tokenizer.Detokenizer;
import io.chasqui.tokenizer.Tokenizer;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Supplier;

/**
 * An engine that runs one request at a time, on its own thread; others wait in a bounded queue in
 * the order of their submission.
 */
public final class SequentialEngine implements Engine {
  private static final System.Logger LOG = System.getLogger(SequentialEngine.class.getName());

  /** Tokens of a prompt between two looks at whether it is still wanted. */
  static final int PREFILL_CHUNK = 128;

  /** Tokens that an answer may be ahead of its reader. */
  private static final int CHANNEL_CAPACITY = 128;

  private final ModelInfo model;
  private final ModelSettings settings;
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> chatTemplate;
  private final EngineOptions options;

  private final TokenDecoder decoder;
  private final TokenSet endOfText;
  private final Sampler sampler;
  private final float[] logits;

  private final BlockingQueue<Job> queue;
  private final Thread thread;
  private volatile Job current;
  private volatile boolean closed;

  /** Of the last answers, an exponential mean: what {@code Retry-After} is computed from. */
  private volatile double secondsPerAnswer = 1;

  private final class Job {
    final GenerationRequest request;
    final long submitted = System.nanoTime();
    final EventChannel channel = new EventChannel(CHANNEL_CAPACITY, this::leaveQueue);

    Job(GenerationRequest request) {
      this.request = request;
    }

    /** A cancelled request gives its place in the queue to another at once. */
    private void leaveQueue() {
      if (queue.remove(this)) {
        new Answer(this).end(FinishReason.CANCELLED);
      }
    }
  }

  /**
   * Loads a model to run on Jlama, computes one token with it and starts the engine's thread.
   *
   * @throws io.chasqui.pack.ModelFormatException if a file cannot be used
   * @throws IllegalStateException if the JVM was started without the flags that Jlama needs
   */
  public static SequentialEngine open(ModelDirectory model, EngineOptions options) {
    requireVectorModule();
    ModelSettings settings = ModelSettings.read(model);
    int context = Math.min(settings.contextLength(), options.maxContext());
    String config = new String(model.require("config.json"), StandardCharsets.UTF_8);
    return new SequentialEngine(
        model.name(),
        settings,
        TokenizerJson.read(model.require("tokenizer.json"), model.read("tokenizer_config.json")),
        context,
        () -> new JlamaDecoder(model.name(), config, weights(model.directory()), context),
        options);
  }

  /**
   * Takes a packed model to run on our own kernels, computes one token with it and starts the
   * engine's thread.
   *
   * @param model closed together with the engine, or when this fails
   * @throws IllegalStateException if the memory limit leaves no room for keys and values
   * @throws IllegalArgumentException if kernels are asked for that do not run here
   */
  public static SequentialEngine open(PackedModel model, EngineOptions options) {
    Thread.ofPlatform().name("chasqui-page-in").daemon().start(model::pageIn);
    try {
      KvLayout kv = Decoder.kvLayout(model.config(), options.kvType());
      int context = context(model, kv, options);
      return new SequentialEngine(
          model.name(),
          model.settings(),
          model.tokenizer(),
          context,
          () -> new PackedDecoder(model, kv, context),
          options);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** As long as the model and the options allow, or as the memory for keys and values does. */
  private static int context(PackedModel model, KvLayout kv, EngineOptions options) {
    int wanted =
        Math.min(
            Math.min(model.config().context(), options.maxContext()),
            // Attention to a window only is not implemented: no sequence outgrows it.
            model.config().slidingWindow().orElse(Integer.MAX_VALUE));
    KvBudget budget =
        options.kvMemory().isPresent()
            ? KvBudget.given(options.kvMemory().getAsLong())
            : KvBudget.ofThisProcess(model.weightBytes());
    int context = budget.context(kv, model.config().layers(), wanted);
    if (context < wanted) {
      LOG.log(
          Level.WARNING,
          "The context is {0} tokens instead of {1}: keys and values may take {2} MiB. {3}",
          context,
          wanted,
          budget.mebibytes(),
          budget.cure());
    }
    return context;
  }

  private static void requireVectorModule() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      throw new IllegalStateException(
          "Jlama needs the JDK's Vector API: start java with --add-modules=jdk.incubator.vector"
              + " --enable-native-access=ALL-UNNAMED");
    }
  }

  private SequentialEngine(
      String name,
      ModelSettings settings,
      Tokenizer tokenizer,
      int context,
      Supplier<TokenDecoder> loader,
      EngineOptions options) {
    this.settings = settings;
    this.tokenizer = tokenizer;
    this.options = options;
    chatTemplate =
        settings
            .chatTemplate()
            .map(source -> new ChatTemplate(source, settings.bosToken(), settings.eosToken()));
    chatTemplate.ifPresent(
        template -> Thread.ofPlatform().daemon().start(() -> renderOnce(template)));
    decoder = loader.get();
    if (options.speculation() != Speculation.OFF && !verifiesDrafts()) {
      LOG.log(
          Level.WARNING,
          "Speculation stays off: model {0} runs on Jlama, which cannot verify drafts",
          name);
    }
    endOfText = TokenSet.of(settings.eosTokenIds());
    sampler = new Sampler(settings.vocabularySize(), endOfText);
    logits = new float[settings.vocabularySize()];
    options.listener().loaded();
    computeOneToken();
    queue = new ArrayBlockingQueue<>(options.queueCapacity());
    model =
        new ModelInfo(
            name,
            settings.architecture(),
            decoder.kernels(),
            context,
            settings.vocabularySize(),
            recommended(settings),
            Instant.now());
    thread = Thread.ofPlatform().name("chasqui-engine").daemon().start(this::serve);
  }

  /** Beside the loading of the weights, so that the first conversation does not wait for it. */
  private static void renderOnce(ChatTemplate template) {
    try {
      template.render(List.of(ChatMessage.user("hello")));
    } catch (IllegalArgumentException e) {
      LOG.log(Level.WARNING, "Conversations will be refused: {0}", e.getMessage());
    }
  }

  /** Touches every weight, so that an engine that is open works, and its first request is quick. */
  private void computeOneToken() {
    try (TokenDecoder.Sequence sequence = decoder.newSequence()) {
      sequence.forward(new int[] {0}, 1);
    }
  }

  private static WeightLoader weights(Path directory) {
    SafetensorsFiles.check(directory);
    return SafeTensorSupport.loadWeights(directory.toFile());
  }

  private boolean verifiesDrafts() {
    return decoder.maxOutputs() > 1;
  }

  private static SamplingParameters recommended(ModelSettings settings) {
    return new SamplingParameters(
        Math.clamp(settings.temperature().orElse(1), 0, SamplingParameters.MAX_TEMPERATURE),
        Math.max(0, settings.topK().orElse(0)),
        settings.topP().orElse(1),
        0);
  }

  @Override
  public ModelInfo model() {
    return model;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public Optional<ChatTemplate> chatTemplate() {
    return chatTemplate;
  }

  @Override
  public int running() {
    return current == null ? 0 : 1;
  }

  @Override
  public int waiting() {
    return queue.size();
  }

  @Override
  public Generation submit(GenerationRequest request) {
    for (int token : request.prompt()) {
      if (token < 0 || token >= settings.vocabularySize()) {
        throw new IllegalArgumentException(
            "token id %d is outside the vocabulary of %d tokens"
                .formatted(token, settings.vocabularySize()));
      }
    }
    request.sampling().requireVocabulary(settings.vocabularySize());
    if (request.promptLength() >= model.contextLength()) {
      throw AdmissionException.contextLengthExceeded(request.promptLength(), model.contextLength());
    }
    if (request.speculation().orElse(Speculation.OFF) != Speculation.OFF && !verifiesDrafts()) {
      throw AdmissionException.speculationUnsupported(model.name());
    }
    Job job = new Job(request);
    synchronized (queue) {
      // Under the lock of close(), so that no job can slip into a queue that nobody serves.
      if (closed) {
        throw AdmissionException.closed();
      }
      if (!queue.offer(job)) {
        long seconds = (long) Math.ceil((queue.size() + 1) * secondsPerAnswer);
        throw AdmissionException.queueFull(
            queue.size(), Duration.ofSeconds(Math.clamp(seconds, 1, 600)));
      }
    }
    return job.channel;
  }

  @Override
  public void close() {
    synchronized (queue) {
      if (closed) {
        return;
      }
      closed = true;
    }
    Job running = current;
    if (running != null) {
      running.channel.cancel();
    }
    thread.interrupt();
    if (thread.equals(Thread.currentThread())) {
      return; // a subscriber closes the engine: the loop ends when that subscriber returns
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve() {
    try (decoder) {
      while (!closed) {
        Job job = queue.take();
        current = job;
        answer(job);
        current = null;
      }
    } catch (InterruptedException e) {
      // close() asks the thread to end; whoever still waits is told below.
    } finally {
      current = null;
      queue.forEach(job -> job.channel.cancel());
    }
  }

  private void answer(Job job) {
    try {
      new Answer(job).run();
    } catch (RuntimeException | Error e) {
      // One broken generation must not take the engine with it; its subscriber is told.
      options.listener().failed(e);
      job.channel.fail(e);
    }
  }

  /** The course of one answer, from prompt to end. */
  private final class Answer {
    private final GenerationRequest request;
    private final EventChannel channel;
    private final Detokenizer detokenizer = tokenizer.newDetokenizer();
    private final StopMatcher stops;
    private final TokenHistory history;
    private final int maxTokens;

    /** Null where no tokens are guessed. */
    private final PromptLookup lookup;

    private final long submitted;
    private long begun;
    private long first;
    private long last;
    private int token;
    private int produced;
    private int drafted;
    private int accepted;

    Answer(Job job) {
      request = job.request;
      channel = job.channel;
      submitted = job.submitted;
      stops = new StopMatcher(request.stop());
      history = new TokenHistory(request.prompt());
      maxTokens = Math.min(request.maxTokens(), model.contextLength() - request.promptLength());
      Speculation speculation = request.speculation().orElse(options.speculation());
      lookup =
          speculation == Speculation.PROMPT_LOOKUP && verifiesDrafts() ? new PromptLookup() : null;
    }

    void run() {
      begun = System.nanoTime();
      try (TokenDecoder.Sequence sequence = decoder.newSequence()) {
        if (!prefill(sequence)) {
          end(FinishReason.CANCELLED);
          return;
        }
        FinishReason reason = choose(new int[1], sequence); // no draft follows a prompt
        while (reason == null) {
          sequence.truncate(request.promptLength() + produced - 1);
          int[] step = lookup == null ? new int[] {token} : lookup.step(maxTokens - produced);
          sequence.forward(step, step.length);
          reason = choose(step, sequence);
        }
        end(reason);
      }
    }

    /**
     * Chooses and publishes what follows the first token of a step, and goes on as long as that is
     * what the step has next. Returns why the answer ends with the last of them, or null.
     *
     * <p>A token is chosen as it would be without a draft: from the same logits, for a row of them
     * does not depend on its batch, and with the random number of its place in the answer.
     */
    private FinishReason choose(int[] step, TokenDecoder.Sequence sequence) {
      int chosen = 0;
      boolean guessed;
      FinishReason reason;
      do {
        sequence.logits(chosen, logits);
        excludePadding();
        token = sampler.next(logits, request.sampling(), history, produced);
        history.append(token);
        chosen++;
        guessed = chosen < step.length && step[chosen] == token;
        measure();
        reason = publish();
        if (lookup != null) {
          lookup.append(token);
        }
      } while (guessed && reason == null);
      if (step.length > 1) {
        verified(step.length - 1, guessed ? chosen : chosen - 1);
      }
      return reason;
    }

    private void verified(int guesses, int right) {
      lookup.verified(guesses, right);
      drafted += guesses;
      accepted += right;
      options.listener().verified(guesses, right);
    }

    /** Models pad their vocabulary to a round number; what has no text is never an answer. */
    private void excludePadding() {
      int from = Math.min(tokenizer.vocabularySize(), logits.length);
      Arrays.fill(logits, from, logits.length, Float.NEGATIVE_INFINITY);
    }

    private boolean prefill(TokenDecoder.Sequence sequence) {
      int[] prompt = request.prompt();
      for (int from = 0; from < prompt.length; from += PREFILL_CHUNK) {
        if (unwanted()) {
          return false;
        }
        int to = Math.min(from + PREFILL_CHUNK, prompt.length);
        int[] chunk = Arrays.copyOfRange(prompt, from, to);
        sequence.forward(chunk, to < prompt.length ? 0 : 1);
      }
      if (lookup != null) {
        lookup.append(prompt);
      }
      return true;
    }

    private boolean unwanted() {
      return closed || channel.isCancelled();
    }

    private void measure() {
      long now = System.nanoTime();
      if (produced == 0) {
        first = now;
        options.listener().firstToken(Duration.ofNanos(now - submitted));
      } else {
        options.listener().nextToken(Duration.ofNanos(now - last));
      }
      last = now;
    }

    /** Publishes the token and returns why the answer ends with it, or null when it goes on. */
    private FinishReason publish() {
      FinishReason reason = null;
      String text;
      if (request.sampling().endsWith(token, endOfText)) {
        text = "";
        reason = FinishReason.STOP;
      } else {
        text = stops.append(detokenizer.append(token));
        if (stops.matched() != null) {
          reason = FinishReason.STOP;
        } else if (produced + 1 == maxTokens) {
          reason = FinishReason.LENGTH;
        }
      }
      if (reason != null) {
        // The last token takes along what was held back.
        text += stops.append(detokenizer.flush()) + stops.flush();
      }
      if (unwanted()) {
        return FinishReason.CANCELLED;
      }
      var event = new GenerationEvent.Token(produced, token, text);
      produced++;
      try {
        if (!channel.put(event, options.stallTimeout())) {
          return FinishReason.CANCELLED;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // close() ends the engine's loop
        return FinishReason.CANCELLED;
      }
      return reason == null && unwanted() ? FinishReason.CANCELLED : reason;
    }

    void end(FinishReason reason) {
      long now = System.nanoTime();
      long start = begun == 0 ? now : begun;
      long firstToken = produced == 0 ? now : first;
      var timings =
          new Timings(
              Duration.ofNanos(start - submitted),
              Duration.ofNanos(firstToken - start),
              Duration.ofNanos(produced == 0 ? 0 : last - firstToken));
      if (begun != 0) {
        double mean = secondsPerAnswer;
        secondsPerAnswer = mean + 0.2 * ((now - start) / 1e9 - mean);
      }
      var end =
          new GenerationEvent.Finished(
              reason, new Usage(request.promptLength(), produced, drafted, accepted), timings);
      options.listener().finished(end);
      channel.finish(end);
    }
  }
}
