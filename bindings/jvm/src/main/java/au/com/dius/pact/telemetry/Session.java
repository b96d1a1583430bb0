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
 * The life of one client. It begins without the native library. The first call that needs it has it
 * loaded, and events that come meanwhile wait here. Then each call goes to the native client, until
 * that is closed. All of it may be called by any number of threads.
 */
final class Session {
  /** How many events wait for the native library at most. */
  static final int CAPACITY = 1024;

  /** Events of all sessions that wait for the library, and that the end of the JVM waits for. */
  private static final AtomicInteger WAITING = new AtomicInteger();

  private final String config;
  private final boolean needsAccess;
  private final boolean waitsAtExit;
  private final Object lock = new Object();
  private final AtomicBoolean released = new AtomicBoolean();

  /** Events that wait for the library. Guarded by the lock, and their number changed under it. */
  private final ArrayDeque<Event> waiting = new ArrayDeque<>();

  private volatile int waitingNow;
  private final AtomicLongArray refused = new AtomicLongArray(RefusalReason.values().length);
  private final AtomicLongArray dropped = new AtomicLongArray(DropReason.values().length);

  /** The host program's own switch. */
  private volatile boolean hostSwitch;

  /** What the native client was last told. Changed under the lock. */
  private volatile boolean nativeSwitch;

  /** The native client, once every event that waited is with it. */
  private volatile @Nullable NativeClient client;

  /** The same, from the moment it is made. */
  private volatile @Nullable NativeClient made;

  /** Did whoever closed it stop waiting for it? Guarded by the lock. */
  private boolean abandoned;

  private volatile @Nullable Library library;
  private volatile @Nullable String unavailable;
  private volatile boolean closed;

  /** Was the library asked for? Changed under the lock. */
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

  /** Does any event wait for the native library, in any client that may wait at the end? */
  static boolean anyWaits() {
    return WAITING.get() > 0;
  }

  // The way of an event.

  /** Why no event is taken now, counted as one that was not; null if it would be. */
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

  /** Takes an event, after {@link #refusal} said that nothing is against it. */
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

  /** Keeps an event until the library is loaded; null if it is. */
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
    return Outcome.OK;
  }

  private Outcome refuse(RefusalReason reason, Outcome outcome) {
    refused.incrementAndGet(reason.ordinal());
    return outcome;
  }

  Outcome invalid() {
    return refuse(RefusalReason.INVALID, Outcome.INVALID);
  }

  /** Brings the numbers of waiting events up to date. The caller holds the lock. */
  private void countWaiting() {
    int now = waiting.size();
    if (waitsAtExit) {
      WAITING.addAndGet(now - waitingNow);
    }
    waitingNow = now;
  }

  /** Throws away what waits here. The caller holds the lock. */
  private void drop(DropReason reason) {
    dropped.addAndGet(reason.ordinal(), waiting.size());
    waiting.clear();
    countWaiting();
  }

  // What the person and the host program decided.

  /** Do the host and the system properties allow it? The native library asks the rest. */
  private boolean isWanted() {
    return hostSwitch && !OptOut.byProperty();
  }

  /** Throws away what waits, here and in the library. */
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

  /** Tells the native client what the host and the properties say, if that has changed. */
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

  /** Is there anything that the native library would have to be asked? */
  boolean isNeeded() {
    return unavailable == null && isWanted() && !OptOut.byEnvironment();
  }

  /**
   * Has the native client made: at once if the library is loaded, else by the thread that loads.
   */
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

  /** Makes the native client, and hands it what waits. Called once, never throws. */
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

  /** Null if there is no client to be had, or none to be needed. */
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

  /** One event at a time under the lock, so that an opt-out comes between any two of them. */
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

  /** The native client; waits for it if the library is being loaded. */
  private @Nullable NativeClient awaited(Deadline deadline) {
    synchronized (lock) {
      boolean time = true;
      while (time && asked && client == null && unavailable == null) {
        time = deadline.await(lock);
      }
      return client;
    }
  }

  // Waiting for what was tracked.

  /** The functions that wait until their time is over. */
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

  /** The outcome of a wait for nothing: what came before the library failed to load is lost. */
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

  /** Closes the native client, and gives it back. What waits for the library still leaves. */
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

  /** Closes what nobody refers to any more. */
  void forget() {
    close(Deadline.in(Duration.ZERO));
  }

  // Questions.

  /** A question to the native client. */
  interface Question<T> {
    T ask(Calls calls, long client);
  }

  /** The answer of the native client; null if there is none, or it was closed. */
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

  /** Has the library loaded if it is needed, and waits for it. */
  void awaitOpen(Deadline deadline) {
    if (isNeeded() && !closed) {
      open();
    }
    awaited(deadline);
  }

  @Nullable String unavailableReason() {
    return unavailable;
  }

  /** The state as far as it can be told without the native client. */
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

  /** The rule by which this package holds events back; null if none does. */
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

  /** The native counters, with those of this package added. */
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
