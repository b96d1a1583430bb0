package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class WrongUseTest {
  private final Collector collector = new Collector();

  /** All clients of the process share one queue: the next test must not find it full. */
  @AfterEach
  void emptyTheQueueAndStopTheCollector() {
    try (Telemetry last = collector.client().build()) {
      while (last.mockServerStarted() == Outcome.QUEUE_FULL) {
        last.flush();
      }
      last.flush(Duration.ofSeconds(30));
    }
    collector.close();
  }

  @Test
  void after_close_every_call_returns_closed_and_none_reaches_the_freed_client() {
    Telemetry telemetry = collector.client().build();
    assertEquals(Outcome.OK, telemetry.mockServerStarted());
    assertEquals(Outcome.OK, telemetry.close(null));
    assertEquals(Outcome.CLOSED, telemetry.close(null));
    telemetry.close();
    assertEquals(Outcome.CLOSED, telemetry.track("a", "b", "c", 1));
    assertEquals(Outcome.CLOSED, telemetry.mockServerStarted());
    assertEquals(Outcome.CLOSED, telemetry.flush());
    assertEquals(Outcome.CLOSED, telemetry.persist());
    assertEquals(Outcome.CLOSED, telemetry.setEnabled(true));
    assertFalse(telemetry.isEnabled());
    assertEquals(State.CLOSED, telemetry.explain().state());
    assertEquals(Outcome.CLOSED, telemetry.preview("a", "b", "c", 1, null, null).outcome());
    Stats stats = telemetry.stats();
    assertEquals(Outcome.CLOSED, stats.outcome());
    assertEquals(1, stats.delivered(), "the counters are those at the time of the close");
    assertEquals(2, stats.notAccepted().get(RefusalReason.CLOSED));
  }

  @Test
  void a_client_is_freed_once_and_after_the_last_call() {
    Library.retain();
    int[] freed = {0};
    NativeClient client =
        new NativeClient(
            (Native)
                Proxy.newProxyInstance(
                    Native.class.getClassLoader(),
                    new Class<?>[] {Native.class},
                    (proxy, method, arguments) -> {
                      assertEquals("pact_telemetry_free", method.getName());
                      freed[0]++;
                      return null;
                    }),
            1);
    try (NativeClient.Lease lease = client.lease()) {
      client.release();
      assertEquals(1, lease.client());
      assertEquals(0, freed[0]);
    }
    assertEquals(1, freed[0]);
    assertNull(client.lease());
  }

  @Test
  void a_client_that_was_never_needed_closes() {
    Telemetry telemetry = collector.client().enabled(false).build();
    assertEquals(Outcome.OK, telemetry.close(null));
    assertEquals(Outcome.CLOSED, telemetry.close(null));
    assertEquals(Outcome.CLOSED, telemetry.mockServerStarted());
  }

  @Test
  @Timeout(60)
  void close_may_be_called_while_other_threads_call() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      for (int round = 0; round < 10; round++) {
        Telemetry telemetry = collector.client().build();
        assertTrue(telemetry.isEnabled());
        CountDownLatch started = new CountDownLatch(4);
        List<Callable<Outcome>> calls =
            List.of(
                telemetry::mockServerStarted,
                () -> telemetry.track("a", "b", "c", 1, "ö", "v"),
                () -> telemetry.isEnabled() ? Outcome.OK : Outcome.CLOSED,
                () -> telemetry.stats().outcome());
        List<Future<Set<Outcome>>> callers = new ArrayList<>();
        for (Callable<Outcome> call : calls) {
          callers.add(
              threads.submit(
                  () -> {
                    Set<Outcome> found = EnumSet.noneOf(Outcome.class);
                    for (int i = 0; i < 2_000; i++) {
                      found.add(call.call());
                      if (i == 100) {
                        started.countDown();
                      }
                    }
                    return found;
                  }));
        }
        started.await();
        telemetry.close(Duration.ofMillis(round));
        for (Future<Set<Outcome>> caller : callers) {
          Set<Outcome> found = caller.get();
          found.removeAll(Set.of(Outcome.OK, Outcome.QUEUE_FULL, Outcome.CLOSED));
          assertEquals(Set.of(), found);
        }
        assertEquals(State.CLOSED, telemetry.explain().state());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  @Timeout(30)
  void an_unreachable_client_is_closed_and_its_events_are_sent() throws Exception {
    Session forgotten = forget();
    while (forgotten.state() != State.CLOSED) {
      System.gc();
      Thread.sleep(10);
      Forgotten.release();
    }
    assertNotNull(collector.next());
  }

  private Session forget() {
    Telemetry telemetry = collector.client().build();
    assertEquals(Outcome.OK, telemetry.mockServerStarted());
    return telemetry.session;
  }

  @Test
  @Timeout(60)
  void two_thousand_clients_deliver_their_events() {
    for (int i = 0; i < 2_000; i++) {
      Telemetry telemetry = collector.client().build();
      assertEquals(Outcome.OK, telemetry.consumerTestsRan(i));
      if (i % 2 == 0) {
        telemetry.close(Duration.ZERO);
      }
    }
    assertEquals(2_000, collector.next(2_000).size());
  }
}
