package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.model.CpuLimit;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessorsTest {
  private static final List<String> COMMAND = List.of("program", "argument");
  private static final int ALL = CpuLimit.processors();

  @Test
  void theProcessorsThatMayBeUsedAreReadFromTheStatusOfAProcess() {
    String status = "Name:\tjava\nCpus_allowed:\t10f\nCpus_allowed_list:\t0-3,8\n";

    assertEquals(List.of(0, 1, 2, 3, 8), Processors.allowed(status));
  }

  @Test
  void aCommandOfAllProcessorsStaysAsItIs() throws IOException {
    assertSame(COMMAND, Processors.bind(COMMAND, ALL));
  }

  @Test
  void aCommandOfSomeProcessorsIsBoundToThem() {
    assertEquals(
        List.of("taskset", "--cpu-list", "2,8", "program", "argument"),
        Processors.only(List.of(2, 8), COMMAND));
  }

  @Test
  void moreProcessorsThanThereAreCannotBeHad() {
    for (int count : new int[] {0, ALL + 1}) {
      assertThrows(IllegalArgumentException.class, () -> Processors.bind(COMMAND, count));
    }
  }
}
