package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThreadTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyMemberSeesWhatTheOthersWroteBeforeABarrier(int size) {
    try (ThreadTeam team = new ThreadTeam(size)) {
      int[] written = new int[size];
      AtomicInteger wrong = new AtomicInteger();
      for (int run = 1; run <= 200; run++) {
        int round = run;
        team.run((member, members) -> {
          for (int step = 0; step < 5; step++) {
            written[member] = round * 10 + step;
            team.barrier();
            int expected = round * 10 + step;
            if (Arrays.stream(written).anyMatch(value -> value != expected)) {
              wrong.incrementAndGet();
            }
            team.barrier();
          }
        });
      }
      assertEquals(0, wrong.get());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyPartIsClaimedOnceBetweenTwoBarriersHoweverSlowAMemberIs(int size) {
    try (ThreadTeam team = new ThreadTeam(size)) {
      int parts = 50;
      AtomicIntegerArray claims = new AtomicIntegerArray(parts);
      int rounds = 100;
      for (int run = 0; run < rounds; run++) {
        team.run((member, members) -> {
          for (int step = 0; step < 4; step++) {
            for (int from = team.claim(3); from < parts; from = team.claim(3)) {
              for (int i = from; i < Math.min(from + 3, parts); i++) {
                claims.incrementAndGet(i);
              }
              if (member == 0) {
                Thread.onSpinWait();
              }
            }
            team.barrier();
          }
        });
      }
      for (int i = 0; i < parts; i++) {
        assertEquals(4 * rounds, claims.get(i), "part " + i);
      }
    }
  }

  @Test
  void aFailureOfOneMemberEndsTheWorkOfAllAndTheTeamGoesOn() {
    try (ThreadTeam team = new ThreadTeam(3)) {
      var failure = new IllegalArgumentException("no");
      for (int failing = 0; failing < 3; failing++) {
        int who = failing;
        var thrown =
            assertThrows(
                IllegalStateException.class,
                () ->
                    team.run((member, size) -> {
                      team.barrier();
                      if (member == who) {
                        throw failure;
                      }
                      team.barrier();
                    }));
        assertSame(failure, thrown.getCause());
      }
      AtomicInteger done = new AtomicInteger();
      team.run((member, size) -> done.incrementAndGet());
      assertEquals(3, done.get());
    }
  }

  @Test
  void anIdleTeamCostsNoProcessorTime() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (ThreadTeam team = new ThreadTeam(2)) {
      long[] worker = new long[1];
      team.run((member, size) -> {
        if (member == 1) {
          worker[0] = Thread.currentThread().threadId();
        }
      });
      Await.until(
          "the worker sleeps",
          () -> threads.getThreadInfo(worker[0]).getThreadState() == Thread.State.WAITING);
      long before = threads.getThreadCpuTime(worker[0]);
      long deadline = System.nanoTime() + 200_000_000;
      Await.until("some time has passed", () -> System.nanoTime() > deadline);
      long spent = threads.getThreadCpuTime(worker[0]) - before;
      assertTrue(spent < 5_000_000, spent + " ns while nothing was to be done");
    }
  }
}
