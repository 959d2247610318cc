package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MachineTest {
  @Test
  void aProcessorIsNamedWithFamilyAndModel() {
    String cpuInfo =
        """
        processor\t: 0
        vendor_id\t: AuthenticAMD
        cpu family\t: 25
        model\t\t: 17
        model name\t: AMD EPYC
        flags\t\t: fpu vme

        processor\t: 1
        model\t\t: 99
        """;
    assertEquals("AMD EPYC (family 25, model 17)", Machine.linuxCpu(cpuInfo));
  }

  @Test
  void aProcessorWithoutANameIsItsArchitecture() {
    assertEquals(
        System.getProperty("os.arch"), Machine.linuxCpu("processor\t: 0\nBogoMIPS\t: 50.00\n"));
  }
}
