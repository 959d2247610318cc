package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A stream, of which each event must be at most one line with an id, exactly one line of data and
 * an empty line, and each comment one line and an empty line.
 *
 * @param ids of the events that have one
 */
public record Frames(List<String> ids, List<String> data, List<String> comments) {
  public static Frames of(List<String> chunks) {
    var ids = new ArrayList<String>();
    var data = new ArrayList<String>();
    var comments = new ArrayList<String>();
    for (String chunk : chunks) {
      assertTrue(chunk.endsWith("\n\n"), "a chunk that is not made of whole events: " + chunk);
      for (String frame : chunk.substring(0, chunk.length() - 2).split("\n\n", -1)) {
        String event = frame;
        if (event.startsWith("id: ")) {
          int end = event.indexOf('\n');
          assertTrue(end > 0, event);
          ids.add(event.substring("id: ".length(), end));
          event = event.substring(end + 1);
        }
        assertTrue(!event.contains("\n"), event);
        if (event.startsWith(": ")) {
          comments.add(event.substring(": ".length()));
        } else {
          assertTrue(event.startsWith("data: "), event);
          data.add(event.substring("data: ".length()));
        }
      }
    }
    return new Frames(ids, data, comments);
  }

  /** All events but the last, which must be the mark of the end. */
  public List<JsonNode> json() {
    assertEquals("[DONE]", data.getLast());
    return data.subList(0, data.size() - 1).stream().map(Api::parse).toList();
  }

  /** The texts of all deltas, joined. */
  public String chatText() {
    return json().stream()
        .map(event -> event.at("/choices/0/delta/content").asText(""))
        .collect(Collectors.joining());
  }
}
