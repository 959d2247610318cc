package io.chasqui.pack;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Trains small byte-pair merges for test vocabularies: slow, simple and deterministic. */
final class BpeTrainer {
  /** Two pieces that become one. */
  record Merge(String left, String right) {}

  private BpeTrainer() {}

  /** Learns merges from words, each a list of pieces; ties go to the pair first in code order. */
  static List<Merge> train(List<List<String>> words, int merges) {
    Map<List<String>, Integer> counts = new LinkedHashMap<>();
    words.forEach(word -> counts.merge(word, 1, Integer::sum));
    var learned = new ArrayList<Merge>();
    while (learned.size() < merges) {
      var pairs =
          new TreeMap<Merge, Integer>(
              Comparator.comparing(Merge::left).thenComparing(Merge::right));
      counts.forEach((word, count) -> {
        for (int i = 0; i + 1 < word.size(); i++) {
          pairs.merge(new Merge(word.get(i), word.get(i + 1)), count, Integer::sum);
        }
      });
      var best = pairs.entrySet().stream().max(Map.Entry.comparingByValue()).orElse(null);
      if (best == null || best.getValue() < 2) {
        break;
      }
      learned.add(best.getKey());
      Map<List<String>, Integer> merged = new LinkedHashMap<>();
      counts.forEach(
          (word, count) -> merged.merge(apply(word, best.getKey()), count, Integer::sum));
      counts.clear();
      counts.putAll(merged);
    }
    return learned;
  }

  private static List<String> apply(List<String> word, Merge merge) {
    var result = new ArrayList<String>(word.size());
    for (int i = 0; i < word.size(); i++) {
      if (i + 1 < word.size()
          && word.get(i).equals(merge.left())
          && word.get(i + 1).equals(merge.right())) {
        result.add(merge.left() + merge.right());
        i++;
      } else {
        result.add(word.get(i));
      }
    }
    return result;
  }
}
