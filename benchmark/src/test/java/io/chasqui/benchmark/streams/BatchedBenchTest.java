package io.chasqui.benchmark.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BatchedBenchTest {
  @Test
  void aLineOfItsOutputIsReadAsTheServersNumbersAre() throws JsonProcessingException {
    String line =
        "{\"n_kv_max\": 3072, \"pp\": 128, \"tg\": 64, \"pl\": 4, \"n_kv\": 768,"
            + " \"t_pp\": 3.5, \"speed_pp\": 146.3, \"t_tg\": 6.5, \"speed_tg\": 39.38,"
            + " \"t\": 10.0, \"speed\": 76.8}";

    Map<StreamQuantity, Double> numbers = BatchedBench.numbers(new JsonMapper().readTree(line));

    assertEquals(25.6, numbers.get(StreamQuantity.TOKENS_PER_SECOND));
    assertEquals(39.38, numbers.get(StreamQuantity.DECODE_TOKENS_PER_SECOND));
    assertEquals(3500.0, numbers.get(StreamQuantity.LAST_FIRST_TOKEN_MS));
  }
}
