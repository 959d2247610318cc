package io.chasqui.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How clients share the queue. One alone may fill it. To the others it then seems less full: until
 * twice as many wait, a client that has less than its equal share of it may wait, too.
 */
final class QueueShares {
  private QueueShares() {}

  /**
   * Whether one more request may wait.
   *
   * @param owner whose it is
   * @param waiting the owners of those that wait
   * @param capacity how many may wait
   * @param beginning how many of them begin at once
   */
  static boolean hasRoom(String owner, List<String> waiting, int capacity, int beginning) {
    int most = capacity + beginning;
    if (waiting.size() < most) {
      return true;
    }
    Map<String, Integer> counts = new HashMap<>();
    waiting.forEach(each -> counts.merge(each, 1, Integer::sum));
    int mine = counts.merge(owner, 0, Integer::sum);
    return waiting.size() < most + capacity && mine < Math.max(1, capacity / counts.size());
  }
}
