package io.chasqui.pack;

/**
 * A model is in order, as far as it was looked at, but of a family or with a feature that our own
 * decoder lacks. Something else may be able to run it; that cannot be said of a file that is
 * broken.
 */
public final class UnsupportedModelException extends ModelFormatException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file the file's name
   * @param section the part of the file that asks for what is lacking
   * @param reason what is lacking, by name
   */
  public UnsupportedModelException(String file, String section, String reason) {
    super(file, section, reason);
  }
}
