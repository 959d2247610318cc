package io.chasqui;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.jboss.logmanager.ExtLogRecord;

/** What a class logs until this is closed. */
public final class LogLines extends Handler {
  private final Logger logger;
  private final List<LogRecord> records = new CopyOnWriteArrayList<>();

  /** Listens to a class that logs under its own name. */
  public LogLines(Class<?> source) {
    this(source.getName());
  }

  private LogLines(String name) {
    logger = Logger.getLogger(name);
    logger.addHandler(this);
  }

  /** Listens to everything. */
  public static LogLines ofAll() {
    return new LogLines("");
  }

  /** All lines as they are written, with the request's id. */
  public List<String> all() {
    return records.stream()
        .map(record ->
            record instanceof ExtLogRecord line
                ? line.getMdc("requestId") + " " + line.getFormattedMessage()
                : record.getMessage())
        .toList();
  }

  /** All messages that an operator is to look at, with their exceptions. */
  public List<String> problems() {
    return records.stream()
        .filter(record -> record.getLevel().intValue() >= Level.WARNING.intValue())
        .map(record -> new SimpleFormatter().formatMessage(record) + " " + record.getThrown())
        .toList();
  }

  /** All messages of a level, in their order. */
  public List<String> at(Level level) {
    return records.stream()
        .filter(record -> record.getLevel().intValue() == level.intValue())
        .map(new SimpleFormatter()::formatMessage)
        .toList();
  }

  /** The messages that have the id of a request. */
  public List<String> about(String requestId) {
    return records.stream()
        .filter(
            record -> record instanceof ExtLogRecord of && requestId.equals(of.getMdc("requestId")))
        .map(new SimpleFormatter()::formatMessage)
        .toList();
  }

  @Override
  public void publish(LogRecord line) {
    if (line instanceof ExtLogRecord of) {
      of.copyMdc(); // which is this thread's
    }
    records.add(line);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    logger.removeHandler(this);
  }
}
