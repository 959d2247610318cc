package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.LogLines;
import io.chasqui.engine.ModelFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ModelWatchTest {
  private final LogLines log = new LogLines(ModelWatch.class);

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void aModelWhoseFileIsDamagedIsNotReady() throws IOException {
    try (var model = new LentModel("damaged", 1, Duration.ofSeconds(30))) {
      model.letLoad();
      ModelFile file = model.engine().file().orElseThrow();

      model.served().watch().verify(file);
      assertTrue(LentModel.isUp(model.health().ready()));
      assertEquals(List.of(), log.at(Level.SEVERE));

      try (var channel = FileChannel.open(file.path(), StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.allocate(4096), channel.size() - 4096);
      }
      model.served().watch().verify(file);

      assertFalse(LentModel.isUp(model.health().ready()));
      assertTrue(LentModel.isUp(model.health().started()));
      String line = log.at(Level.SEVERE).getFirst();
      assertTrue(line.contains("is damaged"), line);
      assertTrue(line.contains(file.path().toString()), line);
      assertTrue(line.contains("weights"), line);
    }
  }

  @Test
  void whoElseMayWriteToTheFileIsToldOnce() throws IOException {
    try (var model = new LentModel("open-to-all", 1, Duration.ofSeconds(30))) {
      model.letLoad();
      ModelFile file = model.engine().file().orElseThrow();
      Files.setPosixFilePermissions(file.path(), PosixFilePermissions.fromString("rw-rw-rw-"));

      new ModelWatch().start(file, () -> {});

      Await.until("the warning", () -> !log.at(Level.WARNING).isEmpty());
      String warning = log.at(Level.WARNING).getFirst();
      assertTrue(warning.contains(file.path() + " can be written to by everybody"), warning);
    }
  }
}
