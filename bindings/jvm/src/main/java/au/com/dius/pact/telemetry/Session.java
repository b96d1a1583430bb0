package au.com.dius.pact.telemetry;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The state of one client. It begins without the native library. The first call that needs the
 * library starts loading it, and events that are tracked meanwhile wait here. Then each call goes
 * to the native client, until that is closed. Any number of threads may call any method.
 */
final class Session {
  /** How many events may wait for the native library. */
  static final int CAPACITY = 1024;

  /** Events of all sessions that wait for the library, and for which the exit of the JVM waits. */
  private static final AtomicInteger WAITING = new AtomicInteger();

  private final String config;
  private final boolean needsAccess;
  private final boolean waitsAtExit;
  private final Object lock = new Object();
  private final AtomicBoolean released = new AtomicBoolean();

  /** Events that wait for the library. Guarded by the lock. */
  private final ArrayDeque<Event> waiting = new ArrayDeque<>();

  /** Their number, which may be read without the lock. */
  private volatile int waitingNow;

  private final AtomicLongArray refused = new AtomicLongArray(RefusalReason.values().length);
  private final AtomicLongArray dropped = new AtomicLongArray(DropReason.values().length);

  /** The host program's own switch. */
  private volatile boolean hostSwitch;

  /** The switch that the native client was last given. Changed under the lock. */
  private volatile boolean nativeSwitch;

  /** The native client, once it has every event that waited. */
  private volatile @Nullable NativeClient client;

  /** The native client, as soon as it is made. */
  private volatile @Nullable NativeClient made;

  /** Whether the session was closed before the native client was ready. Guarded by the lock. */
  private boolean abandoned;

  private volatile @Nullable Library library;
  private volatile @Nullable String unavailable;
  private volatile boolean closed;

  /** Whether the library was requested. Changed under the lock. */
  private volatile boolean asked;

  /** The native counters as they were when the client was closed. */
  private volatile @Nullable String lastStats;

  private volatile @Nullable Forgotten watcher;

  Session(Map<String, @Nullable Object> options, boolean needsAccess) {
    config = Json.write(options);
    this.needsAccess = needsAccess;
    waitsAtExit = !Long.valueOf(0).equals(options.get("exit_timeout_ms"));
    hostSwitch = !Boolean.FALSE.equals(options.get("enabled"));
    nativeSwitch = hostSwitch;
  }

  /** A client that cannot work. */
  static Session unavailable(String reason) {
    Session session = new Session(Map.of(), false);
    session.unavailable = reason;
    return session;
  }

  void watchedBy(Forgotten watcher) {
    this.watcher = watcher;
  }

  /** Whether an event waits for the native library, in any client that may wait at exit. */
  static boolean anyWaits() {
    return WAITING.get() > 0;
  }

  // Tracking.

  /** Counts and returns why an event is refused now; null if it is not refused. */
  @Nullable Outcome refusal() {
    if (closed) {
      return refuse(RefusalReason.CLOSED, Outcome.CLOSED);
    }
    if (client == null) {
      if (unavailable != null) {
        return refuse(RefusalReason.UNAVAILABLE, Outcome.UNAVAILABLE);
      }
      if (OptOut.byEnvironment()) {
        return refuse(RefusalReason.DISABLED, Outcome.DISABLED);
      }
    }
    if (isWanted()) {
      return null;
    }
    turnOff();
    return refuse(RefusalReason.DISABLED, Outcome.DISABLED);
  }

  /** Queues an event, after {@link #refusal} returned null. */
  Outcome track(
      byte @Nullable [] event,
      byte @Nullable [] category,
      byte @Nullable [] action,
      long value,
      byte @Nullable [] plugin,
      byte @Nullable [] version) {
    NativeClient open = client;
    if (open == null) {
      Outcome early = trackEarly(new Event(event, category, action, value, plugin, version));
      if (early != null) {
        return early;
      }
      open = client;
    }
    Library now = library;
    Calls calls = now == null ? null : now.calls();
    try (NativeClient.Lease lease = open == null ? null : open.lease()) {
      if (lease == null || now == null || calls == null) {
        return refuse(RefusalReason.CLOSED, Outcome.CLOSED);
      }
      if (!nativeSwitch) {
        tell(lease, calls);
      }
      return now.outcome(
          calls.track(lease.client(), event, category, action, value, plugin, version));
    }
  }

  /** Keeps an event until the library is loaded. Returns null if it is loaded already. */
  private @Nullable Outcome trackEarly(Event event) {
    Outcome checked = event.checked();
    if (checked != Outcome.OK) {
      return refuse(RefusalReason.INVALID, checked);
    }
    if (Library.loaded() != null) {
      open();
    }
    synchronized (lock) {
      if (client != null) {
        return null;
      }
      if (closed) {
        return refuse(RefusalReason.CLOSED, Outcome.CLOSED);
      }
      if (unavailable != null) {
        return refuse(RefusalReason.UNAVAILABLE, Outcome.UNAVAILABLE);
      }
      if (waiting.size() >= CAPACITY) {
        return refuse(RefusalReason.QUEUE_FULL, Outcome.QUEUE_FULL);
      }
      waiting.add(event);
      countWaiting();
    }
    open();
    ExitHook.awaitLibraryAtExit();
    return Outcome.OK;
  }

  private Outcome refuse(RefusalReason reason, Outcome outcome) {
    refused.incrementAndGet(reason.ordinal());
    return outcome;
  }

  Outcome invalid() {
    return refuse(RefusalReason.INVALID, Outcome.INVALID);
  }

  /** Updates the numbers of waiting events. The caller holds the lock. */
  private void countWaiting() {
    int now = waiting.size();
    if (waitsAtExit) {
      WAITING.addAndGet(now - waitingNow);
    }
    waitingNow = now;
  }

  /** Drops the events that wait here. The caller holds the lock. */
  private void drop(DropReason reason) {
    dropped.addAndGet(reason.ordinal(), waiting.size());
    waiting.clear();
    countWaiting();
  }

  // What the person and the host program decided.

  /**
   * Whether the host program and the system properties allow events. The library checks the rest.
   */
  private boolean isWanted() {
    return hostSwitch && !OptOut.byProperty();
  }

  /** Drops the events that wait, here and in the library. */
  private void turnOff() {
    if (waitingNow == 0 && (made == null || !nativeSwitch)) {
      return;
    }
    synchronized (lock) {
      drop(DropReason.OPTED_OUT);
      NativeClient now = made;
      Library with = library;
      if (now != null && with != null && with.calls() != null && nativeSwitch) {
        try (NativeClient.Lease lease = now.lease()) {
          if (lease != null) {
            tell(lease, with.calls());
          }
        }
      }
    }
  }

  /** Turns the native client on or off if the host program or the properties have changed. */
  private void tell(NativeClient.Lease lease, Calls calls) {
    if (isWanted() == nativeSwitch) {
      return;
    }
    synchronized (lock) {
      boolean wanted = isWanted();
      calls.backend().pact_telemetry_set_enabled(lease.client(), wanted ? 1 : 0);
      nativeSwitch = wanted;
    }
  }

  Outcome setEnabled(boolean enabled) {
    if (closed) {
      return Outcome.CLOSED;
    }
    if (unavailable != null) {
      return Outcome.UNAVAILABLE;
    }
    hostSwitch = enabled;
    if (!isWanted()) {
      turnOff();
    }
    return Outcome.OK;
  }

  boolean isEnabled() {
    if (closed || unavailable != null) {
      return false;
    }
    if (!isWanted()) {
      turnOff();
      return false;
    }
    if (client == null) {
      if (OptOut.byEnvironment()) {
        return false;
      }
      if (Library.loaded() == null) {
        return true;
      }
      open();
    }
    NativeClient open = client;
    Library now = library;
    Calls calls = now == null ? null : now.calls();
    try (NativeClient.Lease lease = open == null ? null : open.lease()) {
      if (lease == null || calls == null) {
        return false;
      }
      tell(lease, calls);
      return calls.backend().pact_telemetry_is_enabled(lease.client()) == 1;
    }
  }

  // Opening.

  boolean isNeeded() {
    return unavailable == null && isWanted() && !OptOut.byEnvironment();
  }

  /** Makes the native client: now if the library is loaded, otherwise on the loading thread. */
  void open() {
    synchronized (lock) {
      if (asked || unavailable != null) {
        return;
      }
      asked = true;
      if (needsAccess && !Backends.hasNativeAccess()) {
        unavailable = Backends.howToGrant();
        drop(DropReason.UNAVAILABLE);
        return;
      }
    }
    Library.open(this);
  }

  /** Makes the native client, and gives it the events that wait. Called once, never throws. */
  void openWith(Library now) {
    NativeClient opened = null;
    try {
      opened = create(now);
      if (opened != null) {
        handOver(now, opened);
      }
    } catch (Utf8.InvalidTextException invalid) {
      fail("the options hold " + invalid.getMessage());
    } catch (Throwable fault) {
      fail(String.valueOf(fault));
    } finally {
      if (opened == null) {
        Library.release();
      }
      synchronized (lock) {
        lock.notifyAll();
      }
    }
  }

  /** Returns null if no client can be made, or none is needed. */
  private @Nullable NativeClient create(Library now) throws Utf8.InvalidTextException {
    Calls calls = now.calls();
    if (calls == null) {
      fail(now.missing());
      return null;
    }
    if (closed && waitingNow == 0) {
      return null;
    }
    Calls.Created created = calls.create(Utf8.encode(config));
    if (created.client() == 0) {
      fail(created.error());
      return null;
    }
    return new NativeClient(calls.backend(), created.client());
  }

  private void fail(String reason) {
    synchronized (lock) {
      unavailable = reason;
      drop(DropReason.UNAVAILABLE);
    }
  }

  /** Takes the lock for each event, so that an opt-out may come between any two events. */
  private void handOver(Library now, NativeClient opened) {
    Calls calls = Objects.requireNonNull(now.calls());
    synchronized (lock) {
      library = now;
      made = opened;
    }
    while (true) {
      synchronized (lock) {
        Event next = waiting.peek();
        if (next == null) {
          client = opened;
          if (!abandoned) {
            return;
          }
          break;
        }
        if (!isWanted()) {
          turnOff();
          continue;
        }
        try (NativeClient.Lease lease = opened.lease()) {
          if (lease != null) {
            tell(lease, calls);
            calls.track(lease.client(), next);
          }
        }
        waiting.remove();
        countWaiting();
      }
    }
    end(Deadline.in(Duration.ZERO));
  }

  /** Returns the native client. Waits for it if the library is being loaded. */
  private @Nullable NativeClient awaited(Deadline deadline) {
    synchronized (lock) {
      boolean time = true;
      while (time && asked && client == null && unavailable == null) {
        time = deadline.await(lock);
      }
      return client;
    }
  }

  // Waiting for events.

  private enum Wait {
    FLUSH,
    PERSIST,
    CLOSE;

    int call(Native calls, long client, int millis) {
      return switch (this) {
        case FLUSH -> calls.pact_telemetry_flush(client, millis);
        case PERSIST -> calls.pact_telemetry_persist(client, millis);
        case CLOSE -> calls.pact_telemetry_close(client, millis);
      };
    }
  }

  Outcome flush(Deadline deadline) {
    return settle(deadline, Wait.FLUSH);
  }

  Outcome persist(Deadline deadline) {
    return settle(deadline, Wait.PERSIST);
  }

  private Outcome settle(Deadline deadline, Wait function) {
    if (closed) {
      return Outcome.CLOSED;
    }
    if (client == null && waitingNow == 0) {
      return nothingWaits();
    }
    if (!isWanted()) {
      turnOff();
    }
    return wait(deadline, function);
  }

  /** The outcome where no event waits. Events are lost if the library failed to load. */
  private Outcome nothingWaits() {
    return dropped.get(DropReason.UNAVAILABLE.ordinal()) == 0 ? Outcome.OK : Outcome.LOST;
  }

  private Outcome wait(Deadline deadline, Wait function) {
    NativeClient open = client;
    if (open == null) {
      open = awaited(deadline);
      if (open == null) {
        return unavailable == null ? Outcome.ERROR_TIMEOUT : nothingWaits();
      }
    }
    Library now = library;
    Calls calls = now == null ? null : now.calls();
    try (NativeClient.Lease lease = open.lease()) {
      if (lease == null || now == null || calls == null) {
        return Outcome.CLOSED;
      }
      tell(lease, calls);
      return now.outcome(function.call(calls.backend(), lease.client(), deadline.millis()));
    }
  }

  Outcome close(Deadline deadline) {
    synchronized (lock) {
      if (closed) {
        return Outcome.CLOSED;
      }
      closed = true;
    }
    if (unavailable == null && !isWanted()) {
      turnOff();
    }
    return end(deadline);
  }

  /** Closes and releases the native client. Events that wait for the library are still sent. */
  private Outcome end(Deadline deadline) {
    boolean idle = client == null && waitingNow == 0;
    Outcome outcome = idle ? nothingWaits() : wait(deadline, Wait.CLOSE);
    NativeClient open;
    synchronized (lock) {
      open = client;
      abandoned = open == null;
    }
    Forgotten watching = watcher;
    if (watching != null) {
      watching.done();
    }
    if (open != null && released.compareAndSet(false, true)) {
      Library now = library;
      Calls calls = now == null ? null : now.calls();
      if (calls != null) {
        try (NativeClient.Lease lease = open.lease()) {
          lastStats = lease == null ? null : calls.stats(lease.client()).text();
        }
      }
      open.release();
    }
    return outcome;
  }

  /** Closes a client that nothing refers to any more. */
  void forget() {
    close(Deadline.in(Duration.ZERO));
  }

  // Reports.

  /** A question to the native client. */
  interface Question<T> {
    T ask(Calls calls, long client);
  }

  /** The answer of the native client. Null if there is no native client, or it was closed. */
  <T> @Nullable T ask(Question<T> question) {
    NativeClient open = client;
    Library now = library;
    Calls calls = now == null ? null : now.calls();
    try (NativeClient.Lease lease = open == null ? null : open.lease()) {
      if (lease == null || calls == null) {
        return null;
      }
      tell(lease, calls);
      return question.ask(calls, lease.client());
    }
  }

  /** Starts loading the library if it is needed, and waits for it. */
  void awaitOpen(Deadline deadline) {
    if (isNeeded() && !closed) {
      open();
    }
    awaited(deadline);
  }

  @Nullable String unavailableReason() {
    return unavailable;
  }

  /** The state, as far as it is known without the native client. */
  State state() {
    if (closed) {
      return State.CLOSED;
    }
    if (unavailable != null) {
      return State.UNAVAILABLE;
    }
    if (!isNeeded()) {
      return State.DISABLED;
    }
    return client == null ? State.LOADING : State.ENABLED;
  }

  /** The rule by which this package refuses events; null if there is none. */
  @Nullable String rule() {
    return hostSwitch ? OptOut.rule() : "host";
  }

  Explanation.Jvm jvm() {
    Library now = library;
    Calls calls = now == null ? null : now.calls();
    return new Explanation.Jvm(
        calls == null ? null : calls.backend().kind(),
        hostSwitch,
        OptOut.properties(),
        now == null ? null : now.unknownStatus());
  }

  /** The counters of the native client plus those of this package. */
  Map<String, @Nullable Object> counters() {
    Map<String, @Nullable Object> all = Answers.emptyStats();
    synchronized (lock) {
      NativeClient open = made;
      Library now = library;
      Calls calls = now == null ? null : now.calls();
      String text = lastStats;
      if (text == null && open != null && calls != null) {
        try (NativeClient.Lease lease = open.lease()) {
          text = lease == null ? null : calls.stats(lease.client()).text();
        }
      }
      if (text != null) {
        Answers.lay(all, Json.readObject(text));
      }
      long lost = 0;
      for (DropReason reason : DropReason.values()) {
        lost += dropped.get(reason.ordinal());
        Answers.add(Answers.object(all, "dropped"), reason.key, dropped.get(reason.ordinal()));
      }
      for (RefusalReason reason : RefusalReason.values()) {
        Answers.add(Answers.object(all, "not_accepted"), reason.key, refused.get(reason.ordinal()));
      }
      Answers.add(all, "queued", waitingNow);
      Answers.add(all, "accepted", waitingNow + lost);
    }
    return all;
  }
}
