package io.chasqui.engine;

import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.safetensors.WeightLoader;
import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBudget;
import io.chasqui.model.ProcessMemory;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelSettings;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.SafetensorsFiles;
import io.chasqui.pack.TokenizerJson;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenSet;
import io.chasqui.tokenizer.Tokenizer;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** An engine in this process: a model, and the {@link StepLoop} that answers with it. */
public final class LocalEngine implements Engine {
  private static final System.Logger LOG = System.getLogger(LocalEngine.class.getName());

  private final Optional<ModelFile> file;
  private final ModelInfo model;
  private final ModelSettings settings;
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> chatTemplate;
  private final EngineOptions options;
  private final Optional<ServerMemory> memory;

  private final boolean verifiesDrafts;
  private final int slots;
  private final long maxPositions;
  private final Answer.Shared shared;
  private final AtomicLong submissions = new AtomicLong();
  private final StepLoop loop;

  /**
   * Loads a model to run on Jlama, computes one token with it and starts the engine's thread.
   *
   * @throws io.chasqui.pack.ModelFormatException if a file cannot be used
   * @throws IllegalStateException if the JVM was started without the flags that Jlama needs
   */
  public static LocalEngine open(ModelDirectory model, EngineOptions options) {
    requireVectorModule();
    ModelSettings settings = ModelSettings.read(model);
    int context = Math.min(settings.contextLength(), options.maxContext());
    String config = new String(model.require("config.json"), StandardCharsets.UTF_8);
    return new LocalEngine(
        Optional.empty(),
        model.name(),
        settings,
        TokenizerJson.read(model.require("tokenizer.json"), model.read("tokenizer_config.json")),
        context,
        () -> new JlamaDecoder(model.name(), config, weights(model.directory()), context),
        1,
        Optional.empty(),
        options,
        Optional.empty());
  }

  /**
   * Takes a packed model to run on our own kernels, computes one token with it and starts the
   * engine's thread.
   *
   * @param model closed together with the engine, or when this fails
   * @throws IllegalStateException if the memory limit leaves no room for keys and values
   * @throws IllegalArgumentException if kernels are asked for that do not run here
   */
  public static LocalEngine open(PackedModel model, EngineOptions options) {
    Thread.ofPlatform().name("chasqui-page-in").daemon().start(model::pageIn);
    try {
      KvLayout kv = Decoder.kvLayout(model.config(), options.kvType());
      var process = ProcessMemory.ofThisProcess(model.weightBytes());
      KvBudget budget =
          options.kvMemory().isPresent()
              ? KvBudget.given(options.kvMemory().getAsLong(), process)
              : KvBudget.of(process);
      int context = context(model, kv, budget, options);
      int sequences =
          options
              .maxSequences()
              .orElseGet(() -> budget.sequences(kv, model.config().layers(), context));
      int blocks = budget.blocks(kv, model.config().layers(), sequences, context);
      return new LocalEngine(
          model.file().map(path -> new ModelFile(model, path)),
          model.name(),
          model.settings(),
          model.tokenizer(),
          context,
          () -> new PackedDecoder(model, kv, blocks, context, sequences),
          sequences,
          Optional.of(MemoryPlan.of(process, kv, model.config().layers(), blocks)),
          options,
          Optional.of(
              ServerMemory.ofEngine(model.sizes(), options.kvType(), context, sequences, blocks)));
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** As long as the model and the options allow, or as the memory for keys and values does. */
  private static int context(
      PackedModel model, KvLayout kv, KvBudget budget, EngineOptions options) {
    int wanted = Math.min(Decoder.maxContext(model.config()), options.maxContext());
    int context = budget.context(kv, model.config().layers(), wanted);
    if (context < wanted) {
      LOG.log(
          Level.WARNING,
          "The context is {0} tokens instead of {1}: keys and values may take {2}. {3}",
          context,
          wanted,
          ProcessMemory.mebibytes(budget.bytes()),
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

  private LocalEngine(
      Optional<ModelFile> file,
      String name,
      ModelSettings settings,
      Tokenizer tokenizer,
      int context,
      Supplier<TokenDecoder> loader,
      int slots,
      Optional<MemoryPlan> plan,
      EngineOptions given,
      Optional<ServerMemory> memory) {
    this.file = file;
    this.memory = memory;
    this.settings = settings;
    this.tokenizer = tokenizer;
    options = given.withListener(new GuardedListener(given.listener()));
    chatTemplate = Prompts.template(settings);
    chatTemplate.ifPresent(
        template -> Thread.ofPlatform().daemon().start(() -> renderOnce(template)));
    TokenDecoder decoder = loader.get();
    verifiesDrafts = decoder.verifiesDrafts();
    this.slots = slots;
    maxPositions = decoder.maxPositions();
    if (options.speculation() != Speculation.OFF && !verifiesDrafts) {
      LOG.log(
          Level.WARNING,
          "Speculation stays off: model {0} runs on Jlama, which cannot verify drafts",
          name);
    }
    TokenSet endOfText = TokenSet.of(settings.eosTokenIds());
    shared =
        new Answer.Shared(
            tokenizer, options, endOfText, settings.vocabularySize(), decoder.members());
    options.listener().loaded();
    computeOneToken(decoder);
    model =
        new ModelInfo(
            name,
            settings.architecture(),
            decoder.kernels(),
            context,
            slots,
            plan,
            settings.vocabularySize(),
            recommended(settings),
            Instant.now());
    loop = new StepLoop(decoder, slots, options);
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
  private static void computeOneToken(TokenDecoder decoder) {
    try (TokenDecoder.Sequence sequence = decoder.newSequence()) {
      if (!sequence.reserve(1)) {
        throw new IllegalStateException("there is no KV memory for one token");
      }
      decoder.forward(List.of(new TokenDecoder.Run(sequence, new int[] {0}, 1)));
    }
  }

  private static WeightLoader weights(Path directory) {
    SafetensorsFiles.check(directory);
    return SafeTensorSupport.loadWeights(directory.toFile());
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
  public boolean hasFailed() {
    return loop.hasFailed();
  }

  @Override
  public int running() {
    return loop.running();
  }

  @Override
  public int waiting() {
    return loop.waiting();
  }

  @Override
  public int parked() {
    return loop.parked();
  }

  @Override
  public double kvUsage() {
    return loop.kvUsage();
  }

  @Override
  public Optional<ModelFile> file() {
    return file;
  }

  @Override
  public Optional<ServerMemory> memory() {
    return memory;
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
    if (request.speculation().orElse(Speculation.OFF) != Speculation.OFF && !verifiesDrafts) {
      throw AdmissionException.speculationUnsupported(model.name());
    }
    request.beams().ifPresent(beams -> requireMemory(beams.numBeams(), request));
    Answer answer = answer(request);
    loop.submit(answer);
    return answer.channel;
  }

  /** Beams cannot be computed one by one, so that all of them must fit. */
  private void requireMemory(int beams, GenerationRequest request) {
    if (beams > slots) {
      throw AdmissionException.tooManyBeams(beams, slots);
    }
    // Of each beam, what has begun with the prompt's last block, and a copy of the block at its
    // end.
    long longest = (maxPositions - request.promptLength()) / beams - 2 * KvLayout.BLOCK_POSITIONS;
    int tokens = maxTokens(request);
    if (tokens > longest) {
      throw AdmissionException.beamsTooLong(beams, tokens, longest);
    }
  }

  private int maxTokens(GenerationRequest request) {
    return Math.min(request.maxTokens(), model.contextLength() - request.promptLength());
  }

  private Answer answer(GenerationRequest request) {
    Speculation speculation = request.speculation().orElse(options.speculation());
    // What a channel tells of an answer can come only after the answer is there.
    var answer = new Answer[1];
    answer[0] =
        new Answer(
            request,
            submissions.incrementAndGet(),
            maxTokens(request),
            speculation == Speculation.PROMPT_LOOKUP && verifiesDrafts,
            shared,
            () -> loop.cancelled(answer[0]),
            loop::wake);
    return answer[0];
  }

  @Override
  public void close() {
    loop.close();
  }
}
