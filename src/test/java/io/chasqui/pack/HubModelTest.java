package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubModelTest {
  @Test
  void theRevisionIsMainUnlessGiven() {
    assertEquals(
        new HubModel("acme", "Tiny-1.5B_x", "main"), HubModel.parse("hf:acme/Tiny-1.5B_x"));
    assertEquals(
        new HubModel("acme", "tiny", "refs/pr/7"), HubModel.parse("hf:acme/tiny@refs/pr/7"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hf:",
        "hf:tiny",
        "hf:acme/",
        "hf:/tiny",
        "hf:acme/tiny/x",
        "hf:acme/tiny@",
        "hf:acme/tiny@../x",
        "hf:acme/tiny@/x",
        "hf:acme/tiny@a b",
        "hf:../tiny",
        "hf:acme/..",
        "hf:acme/a--b",
        "hf:acme/.hidden",
        "hf:acme/ti ny",
        "hf:acme/tiny?x=1",
        "hf:acme/ti\\ny",
        "acme/tiny"
      })
  void anythingElseIsRefused(String spec) {
    assertThrows(IllegalArgumentException.class, () -> HubModel.parse(spec));
  }
}
