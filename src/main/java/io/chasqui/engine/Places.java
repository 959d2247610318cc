package io.chasqui.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Shares the slots of the steps among the answers that run. An answer with a place has a slot in
 * every second step at least, whatever the others ask for: as many answers that choose token by
 * token have places as there are slots, and as many beams beside them as there are slots. What an
 * answer's further choices get is what the first ones leave. So one request with 64 choices slows
 * the others down no more than one request with one choice does.
 */
final class Places {
  private final int slots;
  private int single;
  private int beams;

  /**
   * @param slots sequences of a step at most
   */
  Places(int slots) {
    this.slots = slots;
  }

  /**
   * Takes places away from answers that wait for their readers, and gives what is free to those
   * whose readers read again.
   */
  void assign(List<Course> running, long now) {
    single = 0;
    beams = 0;
    Map<Answer, Course> active = new LinkedHashMap<>();
    for (Course course : running) {
      if (course.answer.isParked(now)) {
        course.answer.setPlaced(false);
      } else {
        active.putIfAbsent(course.answer, course);
      }
    }
    active.values().stream().filter(course -> course.answer.isPlaced()).forEach(this::take);
    active.values().stream()
        .filter(course -> !course.answer.isPlaced() && isFreeFor(course))
        .forEach(this::take);
  }

  /** Whether an answer that this course is of can have a place. */
  boolean isFreeFor(Course course) {
    return course instanceof Beams ? beams + course.width() <= slots : single < slots;
  }

  /** Gives a place to the answer that a course is of. */
  void take(Course course) {
    course.answer.setPlaced(true);
    if (course instanceof Beams) {
      beams += course.width();
    } else {
      single++;
    }
  }

  /**
   * Chooses the courses of a step: a choice of each answer before a further one of any, and those
   * first that have waited for longest.
   *
   * @param active that could take part, in their order
   * @return as many as there are slots for, in the same order
   */
  List<Course> deal(List<Course> active) {
    if (Course.width(active) <= slots) {
      return active;
    }
    Map<Answer, Integer> counts = new HashMap<>();
    Map<Course, Integer> ranks = new HashMap<>();
    for (Course course : active) {
      ranks.put(course, counts.merge(course.answer, 1, Integer::sum));
    }
    List<Course> queue = new ArrayList<>(active);
    queue.removeIf(course -> !course.answer.isPlaced());
    queue.sort(
        Comparator.<Course>comparingInt(ranks::get).thenComparingLong(course -> course.lastStep));
    int left = slots;
    for (Course course : queue) {
      if (course.width() <= left) {
        left -= course.width();
      } else {
        ranks.remove(course);
      }
    }
    return active.stream()
        .filter(course -> course.answer.isPlaced() && ranks.containsKey(course))
        .toList();
  }
}
