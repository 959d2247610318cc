package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.kernel.DType;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomModelTest {
  private static final int HIDDEN = 64;
  private static final int HEADS = 4;
  private static final int HEAD_SIZE = HIDDEN / HEADS;

  @TempDir Path directory;

  private Path model(String name) {
    Path model = directory.resolve(name);
    String[] shape = {
      "--hidden",
      "64",
      "--feed-forward",
      "96",
      "--layers",
      "2",
      "--heads",
      "4",
      "--kv-heads",
      "2",
      "--vocabulary",
      "300",
      "--context",
      "128",
      model.toString()
    };
    assertEquals(0, Tool.commandLine(new RandomModel()).execute(shape));
    return model;
  }

  @Test
  void theSameArgumentsGiveTheSameBytes() throws IOException {
    Path first = model("first");
    Path second = model("second");
    for (String file : List.of("config.json", "tokenizer.json", "model.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(first.resolve(file)), Files.readAllBytes(second.resolve(file)), file);
    }
  }

  @Test
  void itCanBePacked() throws IOException {
    Path file = directory.resolve("packed.chasqui");
    ModelPacker.pack(
        ModelLocation.resolve(model("model").toString()), file, DType.Q4, Progress.NONE);
    try (PackedModel packed = PackedModel.open(file)) {
      // Embedding; per layer norms, queries and outputs, keys and values, feed-forward; last norm.
      int layer = 2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64;
      assertEquals(300 * 64 + 2 * layer + 64, packed.parameters());
      assertEquals(300, packed.tokenizer().vocabularySize());
      int[] ids = packed.tokenizer().encode("A text, or two: 你好", false);
      assertEquals("A text, or two: 你好", packed.tokenizer().decode(ids, false));
    }
  }

  /** llama.cpp turns neighbours of a head together, Hugging Face the elements half a head apart. */
  @Test
  void ggufHasTheRowsOfEachHeadInLlamaCppsOrder() throws IOException {
    Path model = model("model");
    Path gguf = directory.resolve("model.gguf");
    assertEquals(0, Tool.commandLine(new GgufWriter()).execute(model.toString(), gguf.toString()));

    List<ByteBuffer> source =
        rows(model.resolve("model.safetensors"), 2L * HIDDEN * 300 + 2 * HIDDEN);
    // In GGUF the norm before the queries is of floats.
    List<ByteBuffer> target = rows(gguf, 2L * HIDDEN * 300 + 4 * HIDDEN);
    for (int head = 0; head < HEADS; head++) {
      for (int i = 0; i < HEAD_SIZE / 2; i++) {
        int first = head * HEAD_SIZE + i;
        assertEquals(source.get(first), target.get(head * HEAD_SIZE + 2 * i));
        assertEquals(source.get(first + HEAD_SIZE / 2), target.get(head * HEAD_SIZE + 2 * i + 1));
      }
    }
  }

  /**
   * The rows of the first layer's projection to queries.
   *
   * @param offset of it in the file's data, which ends the file
   */
  private static List<ByteBuffer> rows(Path file, long offset) throws IOException {
    int vector = file.toString().endsWith(".gguf") ? Float.BYTES : Short.BYTES;
    long layer = 2L * vector * HIDDEN + 2L * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64);
    long data = 2L * HIDDEN * 300 + 2 * layer + (long) vector * HIDDEN;
    List<ByteBuffer> rows = new ArrayList<>();
    try (FileChannel channel = FileChannel.open(file)) {
      long begin = channel.size() - data + offset;
      for (int row = 0; row < HIDDEN; row++) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * HIDDEN).order(ByteOrder.LITTLE_ENDIAN);
        rows.add(Channels.read(channel, begin + 2L * HIDDEN * row, bytes));
      }
    }
    return rows;
  }
}
