package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.results.Quantity;

/** What became of a hostile request. */
enum HostileOutcome {
  /** Answered: what is garbled may be right by chance. */
  ACCEPTED("2xx"),
  REFUSED("4xx"),

  /** Answered with anything else. */
  FAILED("5xx or other"),

  /** The server has closed the connection without an answer. */
  CLOSED("closed"),

  /** The client has left, as it meant to. */
  LEFT("client left"),

  /** Of a slow client: the server still had the connection open at the end of the round. */
  HELD("still open"),

  /** No answer in half a minute, or not even a connection. */
  UNANSWERED("no answer");

  private final String title;

  HostileOutcome(String title) {
    this.title = title;
  }

  /** How many requests of a kind had it. */
  Quantity of(String kind) {
    String name = kind + ": " + title;
    return isFault() ? Quantity.lower(name, "", 0) : Quantity.count(name);
  }

  /** Whether no request at all may have it. */
  boolean isFault() {
    return this == FAILED || this == UNANSWERED;
  }

  /**
   * By an answer's first bytes.
   *
   * @param start as far as the digits of its status
   */
  static HostileOutcome ofAnswer(String start) {
    if (start.isEmpty()) {
      return CLOSED;
    }
    if (start.matches("HTTP/1[.][01] 2[0-9]{2}")) {
      return ACCEPTED;
    }
    return start.matches("HTTP/1[.][01] 4[0-9]{2}") ? REFUSED : FAILED;
  }
}
