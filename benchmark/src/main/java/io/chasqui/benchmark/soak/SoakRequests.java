package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.servers.StreamRequest;
import io.chasqui.benchmark.streams.StreamMeter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * A client's requests, in rounds that have each kind as often as its share is, in an order that is
 * drawn: so that any two times of many requests have much the same. The same seed gives the same
 * ones.
 */
final class SoakRequests {
  /** What is asked for, and how much. */
  enum Kind {
    /** A short prompt, streamed. */
    SHORT(4),

    /** A prompt that fills most of the context, streamed. */
    LONG(1),

    /** A whole answer. */
    WHOLE(2),

    /** A stream whose client leaves in the middle. */
    CANCELLED(1),

    /** Three choices, drawn, as a whole. */
    CHOICES(1),

    /** A whole answer that a stop string ends. */
    STOP(1);

    private final int share;

    Kind(int share) {
      this.share = share;
    }
  }

  /**
   * One request.
   *
   * @param tokens prompt and answer
   */
  record Request(Kind kind, StreamRequest tokens) {
    /** The body for those that are no streams. */
    String wholeJson() {
      return tokens
          .json()
          .replace("\"stream\": true, \"stream_options\": {\"include_usage\": true}, ", "")
          .replace(
              "\"temperature\": 0",
              switch (kind) {
                case CHOICES -> "\"temperature\": 1, \"seed\": 1, \"n\": " + CHOICES;
                case STOP -> "\"temperature\": 0, \"stop\": [\"%s\"]".formatted(STOP);
                default -> "\"temperature\": 0";
              });
    }
  }

  static final int CHOICES = 3;

  /** Answers are made of this text's token, so that it comes when as many tokens have. */
  static final String STOP = StreamMeter.TEXT.repeat(8);

  private static final int SHORT_PROMPT = 32;
  private static final int ANSWER = 48;

  private final Random order;
  private final SplittableRandom random;
  private final int context;
  private final int vocabulary;
  private final int token;
  private final List<Kind> round = new ArrayList<>();

  /**
   * @param context positions of a sequence
   * @param token that answers are made of: {@link StreamRequest}
   */
  SoakRequests(SplittableRandom random, int context, int vocabulary, int token) {
    if (context < SHORT_PROMPT + 2 * ANSWER) {
      throw new IllegalArgumentException(
          "a soak needs a context of %d positions, and the model has %d"
              .formatted(SHORT_PROMPT + 2 * ANSWER, context));
    }
    this.random = random;
    order = new Random(random.nextLong());
    this.context = context;
    this.vocabulary = vocabulary;
    this.token = token;
  }

  Request next() {
    if (round.isEmpty()) {
      for (Kind kind : Kind.values()) {
        round.addAll(Collections.nCopies(kind.share, kind));
      }
      Collections.shuffle(round, order);
    }
    return of(round.removeLast());
  }

  private Request of(Kind kind) {
    int prompt = kind == Kind.LONG ? context - 2 * ANSWER : SHORT_PROMPT;
    return new Request(kind, request(prompt, ANSWER));
  }

  private StreamRequest request(int prompt, int answer) {
    return new StreamRequest(StreamRequest.randomPrompt(random, prompt, vocabulary), answer, token);
  }

  /** Sequences as long as the context with nothing in common, which take as many KV blocks. */
  List<StreamRequest> full(int sequences) {
    List<StreamRequest> requests = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      requests.add(request(context - 1, 1));
    }
    return requests;
  }
}
