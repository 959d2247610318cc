package io.chasqui.pack;

import io.chasqui.tokenizer.Printable;

/**
 * A model file is malformed, or uses something this program does not support. The message is one
 * sentence that names the file, the place in it and what to do about it; it may repeat what the
 * file has, without its control characters.
 */
public sealed class ModelFormatException extends RuntimeException permits UnknownFamilyException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final String section;
  private final long offset;

  /**
   * @param file the file's name, for example {@code tokenizer.json}
   * @param section the part of the file, for example {@code model.merges}; empty for the whole file
   * @param offset where in the file, in bytes from its start; negative if unknown
   * @param reason what is wrong, and what would cure it
   */
  public ModelFormatException(String file, String section, long offset, String reason) {
    super(message(file, section, offset, reason));
    this.file = file;
    this.section = section;
    this.offset = offset;
  }

  /** The same without an offset. */
  public ModelFormatException(String file, String section, String reason) {
    this(file, section, -1, reason);
  }

  /** The file's name. */
  public String file() {
    return file;
  }

  /** The part of the file that is at fault; empty for the whole file. */
  public String section() {
    return section;
  }

  /** Where in the file, in bytes from its start; negative if unknown. */
  public long offset() {
    return offset;
  }

  private static String message(String file, String section, long offset, String reason) {
    var place = new StringBuilder(file);
    if (!section.isEmpty()) {
      place.append(", ").append(section);
    }
    if (offset >= 0) {
      place.append(", at byte ").append(offset);
    }
    return Printable.of(place.append(": ").append(reason).toString());
  }
}
