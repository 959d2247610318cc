package io.chasqui.http;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.jackson.ObjectMapperCustomizer;
import jakarta.inject.Singleton;

/** How answers are written. */
@Singleton
public class JsonStyle implements ObjectMapperCustomizer {
  @Override
  public void customize(ObjectMapper mapper) {
    // An emoji as itself, not as two escapes.
    mapper.getFactory().enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8.mappedFeature());
  }
}
