package io.chasqui.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What Jinja2 itself makes of the templates lies beside them; {@code generate.py} there writes it.
 */
class ChatTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonNode EXPECTED = readJson("/chat-templates/expected.json");
  private static final String BOS = "<s>";
  private static final String EOS = "</s>";

  @TestFactory
  Stream<DynamicTest> everyConversationIsWrittenAsJinjaWritesIt() {
    return stream(EXPECTED.get("cases"))
        .map(expected ->
            DynamicTest.dynamicTest(
                expected.get("template").textValue()
                    + ": "
                    + expected.get("conversation").textValue(),
                () ->
                    assertAsExpected(
                        expected,
                        template(expected.get("template").textValue()),
                        conversation(expected.get("conversation").textValue()))));
  }

  @TestFactory
  Stream<DynamicTest> everyFeatureWorksAsInJinja() {
    return stream(EXPECTED.get("expressions"))
        .map(expected ->
            DynamicTest.dynamicTest(
                expected.get("source").textValue(),
                () ->
                    assertAsExpected(
                        expected,
                        new ChatTemplate(expected.get("source").textValue(), BOS, EOS),
                        conversation("three turns"))));
  }

  private static void assertAsExpected(
      JsonNode expected, ChatTemplate template, List<ChatMessage> conversation) {
    if (expected.has("text")) {
      assertEquals(expected.get("text").textValue(), template.render(conversation));
    } else {
      var refusal =
          assertThrows(IllegalArgumentException.class, () -> template.render(conversation));
      assertEquals(
          "The model's chat template refuses this conversation: "
              + expected.get("error").textValue(),
          refusal.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% if messages %}",
        "{{ messages",
        "{% for m in %}{% endfor %}",
        "{% nonsense %}",
        "{{ messages | no_such_filter }}",
        "{{ no_such_function() }}",
        "{{ 1 + }}",
        "{% endif %}"
      })
  void aTemplateWithAnErrorIsRefusedInWords(String source) {
    var template = new ChatTemplate(source, BOS, EOS);

    var refusal =
        assertThrows(
            IllegalArgumentException.class, () -> template.render(conversation("one turn")));

    assertTrue(
        refusal.getMessage().startsWith("The model's chat template cannot be used: "),
        refusal.getMessage());
    assertFalse(refusal.getMessage().contains("Exception"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for m in messages if m.role == 'user' %}{% endfor %}",
        "{% for m in messages %}{% else %}{% endfor %}",
        "{% include 'application.properties' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}"
      })
  void whatWouldBeRenderedDifferentlyIsRefusedWithItsLine(String source) {
    var template = new ChatTemplate("\n" + source, BOS, EOS);

    var refusal =
        assertThrows(
            IllegalArgumentException.class, () -> template.render(conversation("one turn")));

    assertTrue(refusal.getMessage().contains("line 2: "), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("not supported"), refusal.getMessage());
  }

  @Test
  void theMarksOfTheAssistantsWordsRenderAsWhatTheyMark() {
    var template =
        new ChatTemplate(
            "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
            BOS, EOS);

    assertEquals("Hello!", template.render(conversation("one turn")));
  }

  @Test
  void whatOneUserWritesIsUnknownToTheNext() {
    var template = new ChatTemplate("{{ x }}{% set x = messages[0].content %}{{ x }}", BOS, EOS);

    assertEquals("a", template.render(List.of(ChatMessage.user("a"))));
    assertEquals("b", template.render(List.of(ChatMessage.user("b"))));
  }

  @Test
  void manyThreadsMayRenderAtOnce() throws Exception {
    var template = template("mistral.jinja");
    var tasks = new ArrayList<Callable<String>>();
    for (int i = 0; i < 200; i++) {
      String text = "text " + i;
      tasks.add(() -> template.render(List.of(ChatMessage.user(text))));
    }
    try (var threads = Executors.newFixedThreadPool(4)) {
      var results = threads.invokeAll(tasks);
      for (int i = 0; i < results.size(); i++) {
        assertEquals(BOS + "[INST] text " + i + "[/INST]", results.get(i).get());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "%d %b %Y, 05 Sep 2026",
    "'%B %d, %Y', 'September 05, 2026'",
    "%Y-%m-%d, 2026-09-05",
    "%F %T, 2026-09-05 07:08:09",
    "'Today is %A, the %-dth', 'Today is Saturday, the 5th'",
    "'%a %j %I:%M %p %y 100%%', 'Sat 248 07:08 AM 26 100%'",
    "no directive, no directive",
    "it's 5%, it's 5%",
  })
  void datesAreWrittenAsStrftimeWritesThem(String format, String expected) {
    var time = LocalDateTime.of(2026, 9, 5, 7, 8, 9);

    assertEquals(expected, ChatTemplate.strftime(format, time));
  }

  @Test
  void aDateThatCannotBeWrittenIsNotGuessed() {
    assertThrows(
        IllegalArgumentException.class, () -> ChatTemplate.strftime("%Q", LocalDateTime.MIN));
  }

  private static ChatTemplate template(String name) {
    String source =
        name.equals("demo")
            ? readJson("/models/demo/tokenizer_config.json").get("chat_template").textValue()
            : new String(read("/chat-templates/" + name), StandardCharsets.UTF_8);
    return new ChatTemplate(source, BOS, EOS);
  }

  private static List<ChatMessage> conversation(String name) {
    return stream(EXPECTED.get("conversations").get(name))
        .map(m -> new ChatMessage(m.get("role").textValue(), m.get("content").textValue()))
        .toList();
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  private static JsonNode readJson(String resource) {
    try {
      return JSON.readTree(read(resource));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] read(String resource) {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream(resource)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
