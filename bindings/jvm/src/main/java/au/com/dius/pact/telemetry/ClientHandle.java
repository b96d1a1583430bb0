package au.com.dius.pact.telemetry;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A native client, counted: whoever lets go last frees it. So free happens once, and never while
 * another thread is inside a call; and nobody waits for anybody.
 */
final class ClientHandle {
  private final Library library;
  private final long client;

  /** The owner, and each call that is under way. */
  private final AtomicInteger holders = new AtomicInteger(1);

  ClientHandle(Library library, long client) {
    this.library = library;
    this.client = client;
  }

  /** The client for one call, to be followed by {@link #leave()}; 0 if it was freed. */
  long enter() {
    int now;
    do {
      now = holders.get();
      if (now == 0) {
        return 0;
      }
    } while (!holders.compareAndSet(now, now + 1));
    return client;
  }

  /** Ends a call, or the ownership. */
  void leave() {
    if (holders.decrementAndGet() == 0) {
      library.calls().pact_telemetry_free(client);
    }
  }

  boolean isFree() {
    return holders.get() == 0;
  }
}
