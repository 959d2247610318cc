package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NumberRangesTest {
  @Test
  void rangesAreThoseOfLlamaBench() {
    assertEquals(List.of(512), NumberRanges.parse("512", 0));
    assertEquals(List.of(1, 2, 3), NumberRanges.parse("1-3", 0));
    assertEquals(List.of(8, 9), NumberRanges.parse("8-9+1", 0));
    assertEquals(List.of(4, 7, 10), NumberRanges.parse("4-11+3", 0));
    assertEquals(List.of(2, 4, 8, 16), NumberRanges.parse("2-16*2", 0));
    assertEquals(List.of(0, 5, 6, 512), NumberRanges.parse("0,5-6,512", 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "1,", "-5", "1-", "1-2-3", "1.5", "9999999999", "1-5/2"})
  void whatIsNoListIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> NumberRanges.parse(text, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"3-1", "1-9+0", "0-9*2", "1-9*1", "0-999999999"})
  void aRangeWithoutAnEndIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> NumberRanges.parse(text, 0));
  }

  @Test
  void aNumberBelowTheLeastIsRefused() {
    var refusal = assertThrows(IllegalArgumentException.class, () -> NumberRanges.parse("4,0", 1));
    assertEquals("0 is less than 1", refusal.getMessage());
  }
}
