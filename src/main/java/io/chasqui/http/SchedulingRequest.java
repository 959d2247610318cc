package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The fields of a request that say what it shares with others, and when it is its turn.
 *
 * @param cachePrompt whether the prefix cache is used; llama.cpp's name
 * @param cacheSalt only requests of the same salt share what they compute; vLLM's name
 * @param priority the least goes first, if the request says; vLLM's name and meaning
 */
record SchedulingRequest(
    boolean cachePrompt, Optional<String> cacheSalt, Optional<Integer> priority) {
  /**
   * Reads them.
   *
   * @throws ApiException if a value is wrong
   */
  static SchedulingRequest parse(JsonFields body) {
    Optional<String> cacheSalt = body.text("cache_salt");
    if (cacheSalt.filter(ApiException::hasLoneSurrogate).isPresent()) {
      throw ApiException.badRequest(
          "cache_salt", "'cache_salt' must not begin or end in the middle of a character.");
    }
    return new SchedulingRequest(
        body.choice("cache_prompt").orElse(true),
        cacheSalt,
        body.integer("priority", Integer.MIN_VALUE, Integer.MAX_VALUE).map(Long::intValue));
  }

  void applyTo(GenerationRequest.Builder request) {
    if (!cachePrompt) {
      request.withoutPromptCache();
    }
    cacheSalt.map(SchedulingRequest::number).ifPresent(request::cacheSalt);
  }

  /** Of a digest, so that nobody can make up a salt that is another's. */
  private static long number(String salt) {
    return ByteBuffer.wrap(Sha256.of(salt)).getLong();
  }
}
