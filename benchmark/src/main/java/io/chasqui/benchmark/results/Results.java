package io.chasqui.benchmark.results;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One run of a scenario.
 *
 * @param format of this record; a reader that does not know it refuses it
 * @param scenario the subcommand that measured
 * @param seed of all that is random in it
 * @param options what was asked for, by name
 * @param notes what a reader of the tables has to know, a sentence each
 */
public record Results(
    int format,
    String scenario,
    long seed,
    Map<String, String> options,
    Environment environment,
    List<Subject> subjects,
    List<Measurement> measurements,
    List<String> notes) {
  private static final int FORMAT = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .addModule(new JavaTimeModule())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
          .build();

  /** Collects what a run comes to. */
  public static final class Builder {
    private record Key(String group, Quantity quantity, String subject, Optional<Double> at) {}

    private final String scenario;
    private final long seed;
    private final Environment environment;
    private final Map<String, String> options = new LinkedHashMap<>();
    private final Map<String, Subject> subjects = new LinkedHashMap<>();
    private final Map<Key, List<Double>> values = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();

    private Builder(String scenario, long seed, Environment environment) {
      this.scenario = scenario;
      this.seed = seed;
      this.environment = environment;
    }

    /** Tells what was asked for. */
    public Builder option(String name, Object value) {
      options.put(name, value.toString());
      return this;
    }

    /** Adds a subject, or replaces what was known of it. */
    public Builder subject(Subject subject) {
      subjects.put(subject.id(), subject);
      return this;
    }

    /** Adds the value of a subject's next repetition. */
    public Builder add(String group, Quantity quantity, String subject, double value) {
      return add(new Key(group, quantity, subject, Optional.empty()), value);
    }

    /** Adds the value of a subject's next repetition at a place of the group's scale. */
    public Builder add(String group, Quantity quantity, String subject, double at, double value) {
      return add(new Key(group, quantity, subject, Optional.of(at)), value);
    }

    private Builder add(Key key, double value) {
      values.computeIfAbsent(key, any -> new ArrayList<>()).add(value);
      return this;
    }

    /** Adds a sentence. */
    public Builder note(String sentence) {
      notes.add(sentence);
      return this;
    }

    /** The run, as far as it has come. */
    public Results build() {
      List<Measurement> measurements = new ArrayList<>();
      values.forEach((key, each) ->
          measurements.add(
              new Measurement(key.group(), key.quantity(), key.subject(), key.at(), each)));
      return new Results(
          FORMAT,
          scenario,
          seed,
          Collections.unmodifiableMap(new LinkedHashMap<>(options)),
          environment,
          List.copyOf(subjects.values()),
          measurements,
          List.copyOf(notes));
    }
  }

  /** A run that begins here and now. */
  public static Builder begin(String scenario, long seed, Environment environment) {
    return new Builder(scenario, seed, environment);
  }

  /** One object, in lines. */
  public String json() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record that cannot be written as JSON", e);
    }
  }

  /** Keeps the record. */
  public void write(Path file) throws IOException {
    Files.writeString(file, json());
  }

  /**
   * Reads a record.
   *
   * @throws IOException if there is none, or one of another format
   */
  public static Results read(Path file) throws IOException {
    Results results;
    try {
      results = JSON.readValue(Files.readString(file), Results.class);
    } catch (JsonProcessingException e) {
      throw new IOException(file + " is no record of a benchmark: " + e.getOriginalMessage(), e);
    }
    if (results.format() != FORMAT) {
      throw new IOException(
          "%s has format %d, and this program reads %d".formatted(file, results.format(), FORMAT));
    }
    return results;
  }

  /** The titles of its tables. */
  Set<String> groups() {
    return measurements.stream()
        .map(Measurement::group)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** What was measured in a group. */
  List<Measurement> of(String group) {
    return measurements.stream().filter(each -> each.group().equals(group)).toList();
  }

  /**
   * A subject.
   *
   * @throws IllegalArgumentException if there is none of this id
   */
  Subject subject(String id) {
    return subjects.stream()
        .filter(subject -> subject.id().equals(id))
        .findAny()
        .orElseThrow(() -> new IllegalArgumentException("there is no subject '" + id + "'"));
  }
}
