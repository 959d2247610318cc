package io.chasqui.pack;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One revision of a model on a Hugging Face hub.
 *
 * @param revision a branch, a tag or a commit
 */
public record HubModel(String owner, String name, String revision) {
  /** How a model on the hub is written: {@code hf:OWNER/NAME} or {@code hf:OWNER/NAME@REVISION}. */
  public static final String PREFIX = "hf:";

  private static final String DEFAULT_REVISION = "main";
  private static final Pattern SPEC = Pattern.compile("hf:([^/@]+)/([^/@]+)(?:@(.+))?");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,95}");
  private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /**
   * Checks the three parts, which become parts of addresses and of file names.
   *
   * @throws IllegalArgumentException when one holds what the hub does not allow
   */
  public HubModel {
    if (!isName(owner) || !isName(name)) {
      throw new IllegalArgumentException(
          "'%s/%s' is not a model on the hub: owner and name consist of letters, digits, '-', '_' and '.', without '--' and '..'"
              .formatted(owner, name));
    }
    if (!REVISION.matcher(revision).matches() || revision.contains("..")) {
      throw new IllegalArgumentException(
          "'" + revision + "' is not a revision: give a branch, a tag or a commit");
    }
  }

  /**
   * Reads {@code hf:OWNER/NAME} (branch main) or {@code hf:OWNER/NAME@REVISION}.
   *
   * @throws IllegalArgumentException when it has another form
   */
  public static HubModel parse(String spec) {
    Matcher parts = SPEC.matcher(spec);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "'" + spec + "' does not have the form hf:OWNER/NAME or hf:OWNER/NAME@REVISION");
    }
    String revision = parts.group(3);
    return new HubModel(
        parts.group(1), parts.group(2), revision == null ? DEFAULT_REVISION : revision);
  }

  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  /** {@code OWNER/NAME}. */
  public String id() {
    return owner + "/" + name;
  }

  private static boolean isName(String name) {
    return NAME.matcher(name).matches() && !name.contains("--") && !name.contains("..");
  }
}
