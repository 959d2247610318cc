package io.chasqui.pack;

import io.chasqui.pack.HubClient.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file on its way into a directory. It grows as {@code NAME.part}, with the server's ETag in
 * {@code NAME.part.etag}, and gets its name when its length and its SHA-256 are right.
 *
 * <p>A part is continued where the server can prove that the file is still the same (a strong ETag
 * in {@code If-Range}), or where the hub names the file's SHA-256, which is checked in the end. The
 * conditions are those of RFC 9110, sections 13.1.5 and 14.
 */
final class FileDownload {
  private static final int BUFFER_BYTES = 1 << 18;
  private static final Pattern SHA256 = Pattern.compile("\"?([0-9a-fA-F]{64})\"?");
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (?:(\\d{1,18})-\\d{1,18}|\\*)/(\\d{1,18}|\\*)");

  /**
   * A file of a repository, as the hub lists it.
   *
   * @param size in bytes, where the hub says it
   * @param sha256 64 hexadecimal digits, where the hub says it
   */
  record RemoteFile(String name, OptionalLong size, Optional<String> sha256) {}

  private final HubClient client;
  private final HubModel model;
  private final RemoteFile file;
  private final String path;
  private final Path target;
  private final Path part;
  private final Path etag;
  private final Progress progress;
  private long reported;

  /**
   * A file to be fetched.
   *
   * @param path where the hub has it
   * @param progress is told of every byte beyond {@link #presentBytes}
   */
  FileDownload(
      HubClient client,
      HubModel model,
      RemoteFile file,
      String path,
      Path directory,
      Progress progress) {
    this.client = client;
    this.model = model;
    this.file = file;
    this.path = path;
    this.target = directory.resolve(file.name());
    this.part = directory.resolve(file.name() + ".part");
    this.etag = directory.resolve(file.name() + ".part.etag");
    this.progress = progress;
    this.reported = presentBytes();
  }

  /** The bytes that are on the disk already. */
  long presentBytes() {
    try {
      if (Files.exists(target)) {
        return Files.size(target);
      }
      return Files.exists(part) ? Files.size(part) : 0;
    } catch (IOException e) {
      throw disk(e);
    }
  }

  /**
   * Fetches the file unless it is there.
   *
   * @throws DownloadException when that is not possible
   */
  void run(Retries retries) throws InterruptedException {
    if (!Files.exists(target)) {
      retries.run(
          file.name(),
          this::presentBytes,
          () -> {
            fetch();
            return target;
          });
    }
  }

  private void fetch() throws TransientFailure, InterruptedException {
    Map<String, String> conditions = conditions();
    if (conditions.isEmpty()) {
      discard();
    }
    boolean resumed = !conditions.isEmpty();
    try (Answer answer = client.get(path, conditions, model)) {
      switch (answer.status()) {
        case 206 -> append(answer);
        case 416 -> confirmComplete(answer);
        default -> startAgain(answer);
      }
      checkDigest(answer, resumed);
    } catch (IOException e) {
      throw e instanceof TransientFailure failure ? failure : broken(e);
    }
    complete();
  }

  private Map<String, String> conditions() {
    Map<String, String> conditions = new LinkedHashMap<>();
    long present = presentBytes();
    if (present > 0) {
      Optional<String> validator = strongEtag();
      if (validator.isPresent() || file.sha256().isPresent()) {
        conditions.put("Range", "bytes=" + present + "-");
        validator.ifPresent(tag -> conditions.put("If-Range", tag));
      }
    }
    return conditions;
  }

  private Optional<String> strongEtag() {
    try {
      return Files.exists(etag)
          ? Optional.of(Files.readString(etag)).filter(tag -> tag.startsWith("\""))
          : Optional.empty();
    } catch (IOException e) {
      throw disk(e);
    }
  }

  private void append(Answer answer) throws TransientFailure {
    Matcher range = contentRange(answer.headers());
    long present = presentBytes();
    if (!range.matches() || range.group(1) == null || Long.parseLong(range.group(1)) != present) {
      discard();
      throw new TransientFailure(
          "the server sent another part of the file than was asked for", Optional.empty());
    }
    OptionalLong announced =
        range.group(2).equals("*")
            ? OptionalLong.empty()
            : OptionalLong.of(Long.parseLong(range.group(2)));
    receive(answer, present, announced);
  }

  private void startAgain(Answer answer) throws TransientFailure {
    discard();
    Optional<String> tag = answer.headers().firstValue("ETag");
    try {
      if (tag.isPresent()) {
        Files.writeString(etag, tag.get());
      }
    } catch (IOException e) {
      throw disk(e);
    }
    receive(answer, 0, answer.headers().firstValueAsLong("Content-Length"));
  }

  /** The server has nothing after what is here: either that is all, or it is wrong. */
  private void confirmComplete(Answer answer) throws TransientFailure {
    Matcher range = contentRange(answer.headers());
    boolean complete =
        range.matches()
            && presentBytes() > 0
            && range.group(2).equals(Long.toString(presentBytes()))
            && presentBytes() == file.size().orElse(presentBytes());
    if (!complete) {
      discard();
      throw new TransientFailure("what had arrived is not a part of the file", Optional.empty());
    }
  }

  private void receive(Answer answer, long position, OptionalLong announced)
      throws TransientFailure {
    OptionalLong linked = answer.hub().firstValueAsLong("X-Linked-Size");
    OptionalLong listed = file.size().isPresent() ? file.size() : linked;
    OptionalLong size = listed.isPresent() ? listed : announced;
    if (announced.isPresent() && announced.getAsLong() != size.getAsLong()) {
      throw new DownloadException(
          "%s should have %d bytes, but the server sends %d; check HF_ENDPOINT, or try again later."
              .formatted(file.name(), size.getAsLong(), announced.getAsLong()));
    }
    long end = copy(answer.body(), position, size.orElse(Long.MAX_VALUE));
    if (size.isPresent() && end < size.getAsLong()) {
      throw new TransientFailure(
          "the connection ended after %d of %d bytes".formatted(end, size.getAsLong()),
          Optional.empty());
    }
  }

  private long copy(InputStream body, long position, long limit) throws TransientFailure {
    byte[] buffer = new byte[BUFFER_BYTES];
    try (FileChannel out =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      out.position(position);
      for (int count = read(body, buffer); count >= 0; count = read(body, buffer)) {
        if (count > limit - out.position()) {
          throw new DownloadException(
              "%s should have %d bytes, but the server sends more; check HF_ENDPOINT, or try again later."
                  .formatted(file.name(), limit));
        }
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        reported += count;
        progress.advance(count);
      }
      // A name must not survive a power failure that its contents did not.
      out.force(true);
      return out.position();
    } catch (TransientFailure e) {
      throw e;
    } catch (IOException e) {
      throw disk(e);
    }
  }

  private static int read(InputStream body, byte[] buffer) throws TransientFailure {
    try {
      return body.read(buffer);
    } catch (IOException e) {
      throw broken(e);
    }
  }

  private void checkDigest(Answer answer, boolean resumed) throws TransientFailure {
    Optional<String> expected = file.sha256().or(() -> digestNamedBy(answer.hub()));
    if (expected.isEmpty() || expected.get().equalsIgnoreCase(sha256(part))) {
      return;
    }
    discard();
    if (resumed) {
      throw new TransientFailure("the continued file had another SHA-256", Optional.empty());
    }
    throw new DownloadException(
        "%s has arrived with another SHA-256 than the hub names (%s): it was changed on the way. Try again, and check HF_ENDPOINT and proxies."
            .formatted(file.name(), expected.get().toLowerCase(Locale.ROOT)));
  }

  /** Large files have their SHA-256 for an ETag; others the shorter hash that Git gave them. */
  private static Optional<String> digestNamedBy(HttpHeaders hub) {
    return hub.firstValue("X-Linked-Etag")
        .or(() -> hub.firstValue("ETag"))
        .map(SHA256::matcher)
        .filter(Matcher::matches)
        .map(digest -> digest.group(1));
  }

  private void complete() {
    try {
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      Files.deleteIfExists(etag);
    } catch (IOException e) {
      throw disk(e);
    }
  }

  private void discard() {
    try {
      Files.deleteIfExists(part);
      Files.deleteIfExists(etag);
    } catch (IOException e) {
      throw disk(e);
    }
    if (reported > 0) {
      progress.advance(-reported);
      reported = 0;
    }
  }

  private static Matcher contentRange(HttpHeaders headers) {
    return CONTENT_RANGE.matcher(headers.firstValue("Content-Range").orElse(""));
  }

  private static TransientFailure broken(IOException e) {
    return new TransientFailure("the connection broke (" + e.getMessage() + ")", e);
  }

  private DownloadException disk(IOException e) {
    return HuggingFaceHub.disk(target.getParent(), e);
  }

  private String sha256(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
      while (channel.read(buffer) >= 0) {
        digest.update(buffer.flip());
        buffer.clear();
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw disk(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
