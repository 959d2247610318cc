package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.engine.Engine;
import io.chasqui.ops.ServedModel;
import java.util.List;

/** {@code GET /v1/models} in JSON. */
record Models(String object, List<Model> data) {

  /** One model; {@code max_model_len} is vLLM's name for the context's length. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Model(String id, String object, long created, String ownedBy, int maxModelLen) {
    static Model of(Engine engine, String name) {
      var info = engine.model();
      return new Model(
          name, "model", info.loaded().getEpochSecond(), "chasqui", info.contextLength());
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
