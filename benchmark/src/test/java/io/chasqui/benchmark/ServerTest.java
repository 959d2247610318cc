package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ServerTest {
  @Test
  void residentMemoryIsReadFromTheStatusOfAProcess() {
    String status = "Name:\tjava\nVmRSS:\t  300 kB\nRssAnon:\t  100 kB\nRssFile:\t     200 kB\n";

    assertEquals(new Server.Resident(102_400, 204_800), Server.resident(status));
    assertEquals(307_200, Server.resident(status).all());
  }
}
