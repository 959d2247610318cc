package io.chasqui.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.engine.Engine;
import io.chasqui.engine.MemoryPlan;
import io.chasqui.ops.ServedModel;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** {@code GET /v1/models} in JSON. */
record Models(String object, List<Model> data) {

  /**
   * One model; {@code max_model_len} and {@code max_num_seqs} are vLLM's names for the context's
   * length and the sequences that run at once.
   */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Model(
      String id,
      String object,
      long created,
      String ownedBy,
      int maxModelLen,
      int maxNumSeqs,
      Optional<Memory> memory) {
    static Model of(Engine engine, String name) {
      var info = engine.model();
      return new Model(
          name,
          "model",
          info.loaded().getEpochSecond(),
          "chasqui",
          info.contextLength(),
          info.sequences(),
          info.memory().map(Memory::of));
    }
  }

  /** What it may take of memory, in bytes; the limit is missing where the system does not tell. */
  @JsonInclude(JsonInclude.Include.NON_ABSENT)
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Memory(OptionalLong limit, long weights, long heap, long program, long keysAndValues) {
    static Memory of(MemoryPlan plan) {
      return new Memory(
          plan.limit(), plan.weights(), plan.heap(), plan.program(), plan.keysAndValues());
    }
  }

  static Models of(Model... models) {
    return new Models("list", List.of(models));
  }

  /**
   * The name to answer under.
   *
   * @throws ApiException if the client asks for another model
   */
  static String require(ServedModel served, String asked) {
    if (!asked.equals(served.name())) {
      throw ApiException.unknownModel(asked, served.name());
    }
    return asked;
  }
}
