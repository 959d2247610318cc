package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

class PrintableLinesTest {
  @Test
  void aLineHasNoControlCharactersBeyondAscii() {
    var line = new LogRecord(Level.INFO, "a\u009B31mb\u0085c\u2028 %s %s");
    line.setParameters(new Object[] {"d\u009Be", 5});

    assertTrue(new PrintableLines().isLoggable(line));

    assertEquals("a?31mb?c? %s %s", line.getMessage());
    assertEquals("d?e", line.getParameters()[0]);
    assertEquals(5, line.getParameters()[1]);
  }

  @Test
  void othersStayAsTheyAre() {
    String text = "prêt à porter\n\t你好 🦙";
    var line = new LogRecord(Level.INFO, text);

    assertTrue(new PrintableLines().isLoggable(line));

    assertEquals(text, line.getMessage());
  }
}
