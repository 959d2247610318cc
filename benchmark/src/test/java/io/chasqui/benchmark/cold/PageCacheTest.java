package io.chasqui.benchmark.cold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class PageCacheTest {
  /**
   * Not in the system's temporary directory, which can be memory, from which nothing is dropped.
   */
  private static final Path TARGET = Path.of("target");

  @Test
  void whatIsDroppedLeavesMemoryAndWhatIsWarmedIsRead() throws IOException {
    Path directory = Files.createTempDirectory(TARGET, "page-cache");
    Path file = Files.write(directory.resolve("file"), new byte[100_001]);
    Path empty = Files.createFile(directory.resolve("empty"));
    try {
      PageCache.DROPPED.prepare(List.of(directory));
      assertEquals(0, PageCache.pages(file));

      PageCache.WARM.prepare(List.of(directory));
      assertTrue(PageCache.pages(file) > 0);
      assertEquals(0, PageCache.pages(empty));
    } finally {
      Files.delete(file);
      Files.delete(empty);
      Files.delete(directory);
    }
  }
}
