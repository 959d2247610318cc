package io.chasqui.pack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;

/** Finds out who else can write to a file that this process has mapped. */
public final class OthersMayWrite {
  private static final String ROOT = "root";

  private OthersMayWrite() {}

  /**
   * Who can, besides this process's user and root; empty too where the system does not say. The
   * group that is named after the owner is taken to be the owner's own.
   */
  public static Optional<String> to(Path file) {
    PosixFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, PosixFileAttributes.class);
    } catch (IOException | UnsupportedOperationException e) {
      return Optional.empty();
    }
    String owner = attributes.owner().getName();
    String group = attributes.group().getName();
    if (attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      return Optional.of("everybody");
    }
    if (attributes.permissions().contains(PosixFilePermission.GROUP_WRITE)
        && !group.equals(owner)
        && !group.equals(ROOT)) {
      return Optional.of("the group " + group);
    }
    boolean isTrusted = owner.equals(ROOT) || owner.equals(System.getProperty("user.name"));
    return isTrusted ? Optional.empty() : Optional.of("its owner " + owner);
  }
}
