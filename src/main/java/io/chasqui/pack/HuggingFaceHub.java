package io.chasqui.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.pack.FileDownload.RemoteFile;
import io.chasqui.pack.HubClient.Answer;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

/**
 * Models from a Hugging Face hub, kept in a cache on this machine.
 *
 * <p>The cache holds {@code models/OWNER--NAME/COMMIT/} with the files of one commit, and {@code
 * models/OWNER--NAME/refs/REVISION} with the commit that a branch or tag meant when it was fetched.
 * A commit's directory is called {@code COMMIT.partial} until its last file is there, so what has
 * its name is complete, and is used without any network. A branch is therefore not looked up again:
 * delete {@code refs} or name a commit to get another one.
 *
 * @see <a href="https://huggingface.co/docs/hub/api">The hub's API</a>
 */
public final class HuggingFaceHub {
  /** The hub that is asked unless {@code HF_ENDPOINT} names another. */
  public static final URI DEFAULT_ENDPOINT = URI.create("https://huggingface.co");

  private static final String INDEX = SafetensorsFiles.INDEX;
  private static final String SINGLE = SafetensorsFiles.SINGLE;

  private static final List<String> REQUIRED = List.of("config.json", "tokenizer.json");

  private static final int MAX_LISTING_BYTES = 64_000_000;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** A file lock excludes other processes only. */
  private static final Map<Path, ReentrantLock> LOCKS = new ConcurrentHashMap<>();

  private final URI endpoint;
  private final Optional<String> token;
  private final Path cache;
  private final Progress progress;
  private final Retries retries;
  private final Duration patience;

  /**
   * A hub and a cache.
   *
   * @param endpoint http or https, without a query
   * @param token sent to this endpoint, and to no other host
   * @param cache the directory that holds {@code models}; made when it is missing
   * @throws IllegalArgumentException when the endpoint is no such address
   */
  public HuggingFaceHub(URI endpoint, Optional<String> token, Path cache, Progress progress) {
    this(endpoint, token, cache, progress, Thread::sleep, PATIENCE);
  }

  HuggingFaceHub(
      URI endpoint,
      Optional<String> token,
      Path cache,
      Progress progress,
      Retries.Pause pause,
      Duration patience) {
    String scheme = Optional.ofNullable(endpoint.getScheme()).orElse("").toLowerCase(Locale.ROOT);
    if (endpoint.getHost() == null
        || !Set.of("http", "https").contains(scheme)
        || endpoint.getQuery() != null
        || endpoint.getFragment() != null) {
      throw new IllegalArgumentException(
          "'" + endpoint + "' is not the address of a hub, such as " + DEFAULT_ENDPOINT);
    }
    if (token.isPresent() && !token.get().matches("[!-~]+")) {
      throw new IllegalArgumentException("the token for the hub holds characters that none has");
    }
    this.endpoint = endpoint;
    this.token = token;
    this.cache = cache.toAbsolutePath();
    this.progress = progress;
    this.retries = new Retries(pause);
    this.patience = patience;
  }

  /**
   * The hub that the environment describes: {@code HF_ENDPOINT}, {@code HF_TOKEN}, and what {@link
   * Environment#cache} looks at.
   *
   * @throws IllegalArgumentException when a variable makes no sense
   */
  public static HuggingFaceHub fromEnvironment(Map<String, String> environment, Progress progress) {
    var variables = new Environment(environment);
    return new HuggingFaceHub(
        variables.get("HF_ENDPOINT").map(URI::create).orElse(DEFAULT_ENDPOINT),
        variables.get("HF_TOKEN"),
        variables.cache(),
        progress);
  }

  /**
   * The directory with a model's files: the one in the cache, or a new one after a download. When
   * another process downloads the same model, this one waits for it.
   *
   * @throws DownloadException when the model is not in the cache and cannot be fetched
   * @throws ModelFormatException when the model's index of shards is broken
   */
  public ModelDirectory fetch(HubModel model) {
    return new ModelDirectory(
        model.id(), cached(model).orElseGet(() -> fetchLocked(model, this::download)));
  }

  /**
   * As {@link #fetch}, but its weights are not downloaded: if they are not in the cache, they are
   * not in the directory. A later {@link #fetch} goes on from there.
   */
  public ModelDirectory fetchSettings(HubModel model) {
    return new ModelDirectory(
        model.id(), cached(model).orElseGet(() -> fetchLocked(model, this::downloadSettings)));
  }

  /** Fetches a model that is not in the cache. */
  @FunctionalInterface
  private interface Downloading {
    Path download(HubModel model) throws IOException, InterruptedException;
  }

  private Path home(HubModel model) {
    return cache.resolve("models").resolve(model.owner() + "--" + model.name());
  }

  private Path ref(HubModel model) {
    return home(model).resolve("refs").resolve(encode(model.revision()));
  }

  private Optional<Path> cached(HubModel model) {
    try {
      Optional<String> commit = Optional.of(model.revision()).filter(HubModel::isCommit);
      if (commit.isEmpty() && Files.isRegularFile(ref(model))) {
        commit = Optional.of(Files.readString(ref(model)).strip()).filter(HubModel::isCommit);
      }
      return commit.map(home(model)::resolve).filter(Files::isDirectory);
    } catch (IOException e) {
      throw disk(home(model), e);
    }
  }

  private Path fetchLocked(HubModel model, Downloading downloading) {
    Path home = home(model);
    ReentrantLock inProcess = LOCKS.computeIfAbsent(home, key -> new ReentrantLock());
    try {
      inProcess.lockInterruptibly();
      try (FileChannel channel = lockFile(home);
          FileLock _ = lock(channel, model)) {
        Optional<Path> meanwhile = cached(model);
        return meanwhile.isPresent() ? meanwhile.get() : downloading.download(model);
      } catch (IOException e) {
        throw disk(home, e);
      } finally {
        inProcess.unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DownloadException(
          "The download of " + model.id() + " was interrupted; what has arrived is kept.", e);
    }
  }

  private static FileChannel lockFile(Path home) throws IOException {
    Files.createDirectories(home.resolve("refs"));
    return FileChannel.open(
        home.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  private FileLock lock(FileChannel channel, HubModel model) throws IOException {
    FileLock lock = channel.tryLock();
    if (lock != null) {
      return lock;
    }
    progress.start("waiting for another process that downloads " + model.id(), 0, 0);
    try {
      return channel.lock();
    } finally {
      progress.done();
    }
  }

  private Path download(HubModel model) throws IOException, InterruptedException {
    try (HubClient client = new HubClient(endpoint, token, patience)) {
      Listing listing = retries.run(model.id(), () -> 0, () -> list(client, model));
      Path complete = home(model).resolve(listing.commit());
      if (!Files.isDirectory(complete)) {
        Path partial = downloadSettings(client, model, listing);
        download(client, model, listing, "weights", weights(listing, partial, model), partial);
        Files.move(partial, complete, StandardCopyOption.ATOMIC_MOVE);
      }
      writeRef(model, listing.commit());
      return complete;
    }
  }

  private Path downloadSettings(HubModel model) throws IOException, InterruptedException {
    try (HubClient client = new HubClient(endpoint, token, patience)) {
      Listing listing = retries.run(model.id(), () -> 0, () -> list(client, model));
      Path complete = home(model).resolve(listing.commit());
      return Files.isDirectory(complete) ? complete : downloadSettings(client, model, listing);
    }
  }

  /** The directory of what is not complete yet, with everything but the weights. */
  private Path downloadSettings(HubClient client, HubModel model, Listing listing)
      throws IOException, InterruptedException {
    listing.checkUsable(model);
    Path partial = home(model).resolve(listing.commit() + ".partial");
    Files.createDirectories(partial);
    List<RemoteFile> small =
        listing.files().values().stream()
            .filter(file -> ModelDirectory.SMALL_FILES.contains(file.name()))
            .toList();
    download(client, model, listing, "settings and tokenizer", small, partial);
    return partial;
  }

  private void download(
      HubClient client,
      HubModel branch,
      Listing listing,
      String what,
      List<RemoteFile> files,
      Path directory)
      throws IOException, InterruptedException {
    HubModel model = new HubModel(branch.owner(), branch.name(), listing.commit());
    List<FileDownload> downloads = new ArrayList<>();
    long total = 0;
    long present = 0;
    for (RemoteFile file : files) {
      String path =
          "/%s/resolve/%s/%s".formatted(model.id(), model.revision(), encode(file.name()));
      FileDownload download = new FileDownload(client, model, file, path, directory, progress);
      downloads.add(download);
      present += download.presentBytes();
      total += file.size().orElse(0);
    }
    checkSpace(directory, model, total - present);
    progress.start(model.id() + " " + what, total, present);
    try {
      for (FileDownload download : downloads) {
        download.run(retries);
      }
    } finally {
      progress.done();
    }
  }

  private static void checkSpace(Path directory, HubModel model, long needed) throws IOException {
    long usable = Files.getFileStore(directory).getUsableSpace();
    if (needed > usable) {
      throw new DownloadException(
          "%s needs %s more in %s, where %s are free: make room, or set XDG_CACHE_HOME to another disk."
              .formatted(
                  model.id(),
                  ProgressBar.bytes(needed),
                  directory.getParent(),
                  ProgressBar.bytes(usable)));
    }
  }

  /**
   * The shards that the index names, or else the single file; nothing that Jlama would not read.
   */
  private static List<RemoteFile> weights(Listing listing, Path partial, HubModel model) {
    if (!listing.files().containsKey(INDEX)) {
      return List.of(listing.files().get(SINGLE));
    }
    byte[] index = new ModelDirectory(model.id(), partial).require(INDEX);
    List<RemoteFile> shards = new ArrayList<>();
    for (String shard : new TreeSet<>(SafetensorsFiles.weightMap(index).values())) {
      RemoteFile file = listing.files().get(shard);
      if (file == null) {
        throw new ModelFormatException(
            INDEX, "weight_map", "the shard " + shard + " is missing from " + model.id());
      }
      shards.add(file);
    }
    return shards;
  }

  private void writeRef(HubModel model, String commit) throws IOException {
    if (!HubModel.isCommit(model.revision())) {
      Path written = Files.createTempFile(home(model), "ref", ".tmp");
      Files.writeString(written, commit);
      Files.move(written, ref(model), StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /**
   * What the hub says about a revision.
   *
   * @param files those in the repository's root, by name
   */
  private record Listing(String commit, Map<String, RemoteFile> files) {
    void checkUsable(HubModel model) {
      for (String required : REQUIRED) {
        if (!files.containsKey(required)) {
          throw new DownloadException(
              "%s has no %s, which is needed to run it: choose a repository in the format of Hugging Face Transformers."
                  .formatted(model.id(), required));
        }
      }
      if (!files.containsKey(INDEX) && !files.containsKey(SINGLE)) {
        boolean gguf =
            files.keySet().stream()
                .anyMatch(name -> name.toLowerCase(Locale.ROOT).endsWith(".gguf"));
        throw new DownloadException(
            "%s has no weights as %s%s: choose a repository that has them%s."
                .formatted(
                    model.id(),
                    SINGLE,
                    gguf ? ", only as GGUF" : "",
                    gguf ? ", such as the one it was converted from" : ""));
      }
    }
  }

  private Listing list(HubClient client, HubModel model)
      throws TransientFailure, InterruptedException {
    String path =
        "/api/models/%s/revision/%s?blobs=true".formatted(model.id(), encode(model.revision()));
    JsonNode answer;
    try (Answer response = client.get(path, Map.of(), model)) {
      byte[] body = response.body().readNBytes(MAX_LISTING_BYTES);
      answer = JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw new DownloadException(unusable("it is not JSON"), e);
    } catch (IOException e) {
      throw e instanceof TransientFailure failure
          ? failure
          : new TransientFailure("the connection broke (" + e.getMessage() + ")", e);
    }
    String commit = answer.path("sha").asText();
    if (!HubModel.isCommit(commit)) {
      throw new DownloadException(unusable("it names no commit"));
    }
    Map<String, RemoteFile> files = new LinkedHashMap<>();
    for (JsonNode sibling : answer.path("siblings")) {
      String name = sibling.path("rfilename").asText();
      if (leavesDirectory(name)) {
        throw new DownloadException(
            "%s lists a file whose name leads out of its directory, '%s'; nothing was downloaded. Do not use this repository."
                .formatted(model.id(), printable(name)));
      }
      if (PlainNames.isPlain(name)) {
        files.put(name, remoteFile(name, sibling));
      }
    }
    return new Listing(commit, files);
  }

  private String unusable(String reason) {
    return "The answer of %s is not that of a hub (%s); check HF_ENDPOINT."
        .formatted(endpoint, reason);
  }

  private static RemoteFile remoteFile(String name, JsonNode sibling) {
    JsonNode size = sibling.path("lfs").path("size");
    if (!size.isIntegralNumber()) {
      size = sibling.path("size");
    }
    String sha256 = sibling.path("lfs").path("sha256").asText();
    return new RemoteFile(
        name,
        size.canConvertToLong() && size.isIntegralNumber() && size.asLong() >= 0
            ? OptionalLong.of(size.asLong())
            : OptionalLong.empty(),
        Optional.of(sha256).filter(digest -> SHA256.matcher(digest).matches()));
  }

  /** Folders are common and merely not wanted; these names are an attack. */
  private static boolean leavesDirectory(String name) {
    return name.startsWith("/")
        || name.indexOf('\\') >= 0
        || name.matches("(?s)[A-Za-z]:.*")
        || name.chars().anyMatch(c -> c < ' ' || c == 0x7f)
        || List.of(name.split("/", -1)).contains("..");
  }

  private static String printable(String name) {
    return name.replaceAll("\\p{Cntrl}", "?");
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  static DownloadException disk(Path directory, IOException e) {
    boolean full = String.valueOf(e.getMessage()).contains("No space left");
    return new DownloadException(
        full
            ? "The disk is full: make room in %s, or set XDG_CACHE_HOME to another disk. What has arrived is kept."
                .formatted(directory)
            : "%s cannot be used as a cache (%s): check its permissions, or set XDG_CACHE_HOME to another directory."
                .formatted(directory, e),
        e);
  }
}
