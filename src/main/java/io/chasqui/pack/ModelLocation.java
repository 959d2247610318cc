package io.chasqui.pack;

import io.chasqui.kernel.NativeExecutable;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Where a model is, as people write it. */
public final class ModelLocation {
  /** The forms that {@link #resolve} accepts, for help texts and errors. */
  public static final String FORMS =
      "'demo' (the model that is built in), 'hf:OWNER/NAME' or 'hf:OWNER/NAME@REVISION' (from"
          + " Hugging Face), a directory, or, to serve it, a file that `chasqui pack` has made";

  private ModelLocation() {}

  /**
   * As {@link #resolve(String, HuggingFaceHub)}, with the hub, the token and the cache that the
   * environment names, and the progress of a download on this process's terminal.
   */
  public static ModelFiles resolve(String spec) {
    return resolve(
        spec, () -> HuggingFaceHub.fromEnvironment(System.getenv(), ProgressBar.forThisProcess()));
  }

  /**
   * As {@link #resolve(String)}, for whoever needs no weights: those of a model on the hub are not
   * downloaded.
   */
  public static ModelFiles resolveSettings(String spec) {
    if (spec.startsWith(HubModel.PREFIX) && !NativeExecutable.IS) {
      return HuggingFaceHub.fromEnvironment(System.getenv(), ProgressBar.forThisProcess())
          .fetchSettings(HubModel.parse(spec));
    }
    return resolve(spec);
  }

  /**
   * Finds a model's files, downloads them where that is what is asked for, and checks that they are
   * complete and that the weights' headers are right.
   *
   * @param spec one of {@link #FORMS}; {@code ~} at the start of a directory is the user's home
   * @param hub asked for {@code hf:} only
   * @throws IllegalArgumentException when the spec has none of the forms, or there is no such
   *     directory
   * @throws ModelFormatException when a file is missing or broken
   * @throws DownloadException when the hub has no such model or cannot be reached
   */
  public static ModelFiles resolve(String spec, HuggingFaceHub hub) {
    return resolve(spec, () -> hub);
  }

  private static ModelFiles resolve(String spec, Supplier<HuggingFaceHub> hub) {
    if (spec.equals(EmbeddedModel.NAME)) {
      return new EmbeddedModel();
    }
    if (NativeExecutable.IS) {
      throw NativeExecutable.needsJvm(
          "Model '%s', which is not packed,".formatted(spec),
          "run `./chasqui pack %s FILE.chasqui` there, and serve that file".formatted(spec));
    }
    if (spec.startsWith(HubModel.PREFIX)) {
      return checked(hub.get().fetch(HubModel.parse(spec)));
    }
    Path directory = directory(spec);
    if (!Files.isDirectory(directory)) {
      throw new IllegalArgumentException(
          "There is no directory '%s'. A model is given as %s.".formatted(spec, FORMS));
    }
    Path real = directory.toAbsolutePath().normalize();
    Path name = real.getFileName();
    return checked(new ModelDirectory(name == null ? "model" : name.toString(), real));
  }

  private static Path directory(String spec) {
    if (spec.isBlank()) {
      throw new IllegalArgumentException("No model is given: give " + FORMS + ".");
    }
    String home = System.getProperty("user.home");
    try {
      if (spec.equals("~") || spec.startsWith("~/")) {
        return Path.of(home + spec.substring(1));
      }
      return Path.of(spec);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "'%s' is not a path. A model is given as %s.".formatted(spec, FORMS), e);
    }
  }

  private static ModelDirectory checked(ModelDirectory model) {
    Path directory = model.directory();
    for (String file : new String[] {"config.json", "tokenizer.json"}) {
      if (!Files.isRegularFile(directory.resolve(file))) {
        throw new ModelFormatException(
            file,
            "",
            "is missing from %s, which therefore is not a model in Hugging Face's layout"
                .formatted(directory));
      }
    }
    if (!SafetensorsFiles.isIn(directory)) {
      throw new ModelFormatException(
          SafetensorsFiles.SINGLE,
          "",
          "is missing from %s, and so is %s: weights must be there as safetensors"
              .formatted(directory, SafetensorsFiles.INDEX));
    }
    SafetensorsFiles.check(directory);
    return model;
  }
}
