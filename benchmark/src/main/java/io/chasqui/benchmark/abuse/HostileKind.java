package io.chasqui.benchmark.abuse;

/** What is wrong with a request that no client should send. */
enum HostileKind {
  CUT_JSON("JSON that ends early", 50, Manner.AWAIT),
  GARBLED_JSON("JSON with wrong characters", 42, Manner.AWAIT),
  RANDOM_BODY("random bytes for JSON", 40, Manner.AWAIT),
  WRONG_TYPE("a field of the wrong type", 30, Manner.AWAIT),
  NO_OBJECT("JSON that is no object", 10, Manner.AWAIT),
  DEEP_JSON("JSON of ten thousand levels", 10, Manner.AWAIT),
  INVALID_UTF8("text that is no UTF-8", 10, Manner.AWAIT),
  UNKNOWN_MODEL("a model that there is not", 20, Manner.AWAIT),
  TOO_LARGE("a body of 5 MiB", 1, Manner.AWAIT),
  TOO_LARGE_CHUNKED("a body of 5 MiB in chunks", 1, Manner.AWAIT),
  MANY_VALUES("a body of 300 KB of empty objects", 3, Manner.AWAIT),
  BROKEN_CHUNK("a chunk without a length", 15, Manner.AWAIT),
  IMPOSSIBLE_LENGTH("a length beyond all numbers", 15, Manner.AWAIT),
  LONG_HEADER("a header of 30,000 characters", 40, Manner.AWAIT),
  WRONG_METHOD("GET for POST", 10, Manner.AWAIT),
  UNKNOWN_METHOD("a method that there is not", 10, Manner.AWAIT),
  MADE_UP_METHOD("a method that nobody used before", 20, Manner.AWAIT),
  WRONG_PATH("a path that there is not", 10, Manner.AWAIT),
  NO_HTTP("random bytes for HTTP", 20, Manner.AWAIT),

  CUT_HEAD("a head cut in the middle", 15, Manner.LEAVE),
  CUT_BODY("a body cut in the middle", 20, Manner.LEAVE),
  RESET("a right request, connection reset", 15, Manner.RESET),

  UNREAD("an answer of 300 KB that nobody reads", 3, Manner.DEAF),
  SILENT_BODY("a body that stops coming", 4, Manner.STALL),
  SLOW_BODY("a body that comes byte by byte", 6, Manner.DRIP),
  SLOW_HEAD("a head that comes byte by byte", 6, Manner.DRIP);

  /** What a client does once it has sent its bytes. */
  enum Manner {
    /** Waits for the answer. */
    AWAIT,

    /** Closes the connection. */
    LEAVE,

    /** Resets the connection, so that the server's next write to it fails. */
    RESET,

    /** Keeps the connection open. */
    STALL,

    /** Keeps the connection open and reads nothing before the round is over. */
    DEAF,

    /** Sends a further byte now and then. */
    DRIP;

    boolean isSlow() {
      return this == STALL || this == DEAF || this == DRIP;
    }
  }

  final String title;

  /** How many of so many requests, on average, as all weights add up to. */
  final int weight;

  final Manner manner;

  HostileKind(String title, int weight, Manner manner) {
    this.title = title;
    this.weight = weight;
    this.manner = manner;
  }
}
