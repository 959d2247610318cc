package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FairShareTest {
  private final AtomicLong now = new AtomicLong();
  private final FairShare share = new FairShare(8, Duration.ofSeconds(1), now::get);
  private final List<String> gaveWay = new ArrayList<>();

  private FairShare.Part part(String owner, String name) {
    return share.new Part(owner, () -> gaveWay.add(name));
  }

  /** One that has taken so much and waits for its client. */
  private FairShare.Part waiting(String owner, String name, int amount) {
    now.incrementAndGet();
    FairShare.Part part = part(owner, name);
    assertTrue(part.take(amount));
    part.waitForClient();
    return part;
  }

  @Test
  void thereIsNoMoreThanAllMayTake() {
    FairShare.Part first = part("a", "first");
    assertTrue(first.take(5));
    assertFalse(part("b", "second").take(4));
    assertTrue(first.take(3));
    first.giveBack();
    assertTrue(part("b", "third").take(8));
  }

  @Test
  void whatTheServerWorksOnKeepsWhatItHas() {
    FairShare.Part working = waiting("a", "working", 8);
    working.goOn();
    assertFalse(part("b", "next").take(1));
    assertEquals(List.of(), gaveWay);
  }

  @Test
  void ofTheOwnerWhoseWaitingOnesHaveMostTheOneThatHasWaitedForLongestGivesWay() {
    waiting("few", "only", 2);
    waiting("many", "older", 2);
    waiting("many", "younger", 2);
    FairShare.Part newest = waiting("many", "newest", 2);

    assertTrue(part("new", "new").take(1));
    assertTrue(part("new", "newer").take(2));
    assertEquals(List.of("older", "younger"), gaveWay);
    assertFalse(newest.hasEnded());
  }

  @Test
  void waitingBeginsAnewWithWhatTheClientSends() {
    FairShare.Part older = waiting("a", "older", 4);
    waiting("a", "younger", 4);
    now.incrementAndGet();
    older.waitForClient();

    assertTrue(part("b", "new").take(1));
    assertEquals(List.of("younger"), gaveWay);
  }

  @Test
  void nobodyGivesWayToOneWhoWouldHaveMore() {
    waiting("few", "only", 1);
    FairShare.Part working = part("many", "working");
    assertTrue(working.take(7));

    assertFalse(part("many", "next").take(1));
    assertEquals(List.of(), gaveWay);
    assertTrue(part("few", "further").take(1), "its own may give way");
  }

  @Test
  void oneWhoWouldHaveAsMuchGetsThePlaceOfWhoWaitsForLongerThanAMoment() {
    for (int i = 0; i < 8; i++) {
      waiting("owner " + i, "part " + i, 1);
    }
    assertFalse(part("new", "new").take(1), "all have just come");
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertTrue(part("new", "new").take(1));
    assertEquals(List.of("part 0"), gaveWay);
  }

  @Test
  void whatCanNeverFitTakesNothingFromOthers() {
    waiting("a", "waiting", 8);
    assertFalse(part("b", "large").take(9));
    assertEquals(List.of(), gaveWay);
  }

  @Test
  void oneThatHasEndedTakesNothingMore() {
    FairShare.Part ended = waiting("a", "ended", 3);
    ended.end();
    assertFalse(ended.take(1));
    ended.waitForClient();
    assertTrue(part("b", "next").take(8));
    assertEquals(List.of(), gaveWay);
  }

  @Test
  void whatRestsGivesWayBeforeWhatWaits() {
    waiting("a", "waiting", 4);
    FairShare.Part resting = part("a", "resting");
    assertTrue(resting.take(4));
    resting.rest();

    assertTrue(part("b", "new").take(1));
    assertEquals(List.of("resting"), gaveWay);
  }

  @Test
  void workOfOneOwnerLeavesAQuarterAndAllWorkAnEighth() {
    FairShare.Part first = waiting("a", "first", 6);
    assertTrue(share.hasRoomToWork("a"), "it waits");
    first.goOn();
    assertFalse(share.hasRoomToWork("a"));
    assertTrue(share.hasRoomToWork("b"));

    FairShare.Part other = part("b", "other");
    assertTrue(other.take(1));
    assertFalse(share.hasRoomToWork("b"));
    other.end();
    assertTrue(share.hasRoomToWork("b"));
    first.giveBack();
    assertTrue(share.hasRoomToWork("a"));
  }
}
