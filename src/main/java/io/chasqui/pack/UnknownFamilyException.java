package io.chasqui.pack;

/**
 * A model is of a family that our own decoder does not know. Something else may be able to run it;
 * that cannot be said of a file that is broken, nor of a model of a known family with a feature
 * that is lacking, for what does not know the feature would pass over it.
 */
public final class UnknownFamilyException extends ModelFormatException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file the file's name
   * @param section the part of the file that names the family
   * @param reason what is not known, by name
   */
  public UnknownFamilyException(String file, String section, String reason) {
    super(file, section, reason);
  }
}
