package io.chasqui.http;

/** OpenAI's error envelope: {@code {"error": {…}}}. */
record ErrorBody(Details error) {
  /**
   * @param message a sentence that says what to change
   * @param type a class of errors, by the status
   * @param param the request's field that is wrong, or null
   * @param code a word for programs, or null
   */
  record Details(String message, String type, String param, String code) {}

  static ErrorBody of(int status, String message, String param, String code) {
    return new ErrorBody(new Details(message, typeOf(status), param, code));
  }

  private static String typeOf(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 429 -> "rate_limit_error";
      default -> status < 500 ? "invalid_request_error" : "server_error";
    };
  }
}
