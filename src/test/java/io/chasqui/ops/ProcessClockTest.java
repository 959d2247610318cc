package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProcessClockTest {
  @Test
  void theAgeIsTheUptimeWithoutTheTimeOfTheStart() {
    String stat =
        "4242 (a) (b c) S 1 4242 1304 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 1893862 3133440 407\n";

    assertEquals(Duration.ofMillis(1230), ProcessClock.age(stat, "18939.85 12278.95\n"));
  }

  @Test
  void theProcessIsALittleOlderThanItsVirtualMachine() {
    var machine = ManagementFactory.getRuntimeMXBean();
    long before = machine.getUptime();
    long process = new ProcessClock().now().toMillis();
    long after = machine.getUptime();

    // The system counts in hundredths of a second.
    assertTrue(process >= before - 20, process + " ms, but the machine is " + before + " ms old");
    assertTrue(process <= after + 900, process + " ms, but the machine is " + after + " ms old");
  }
}
