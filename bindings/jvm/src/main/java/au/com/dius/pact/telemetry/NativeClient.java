package au.com.dius.pact.telemetry;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A client of the native library, with a count of its users: the last user frees it. So it is freed
 * once, never while another thread is inside a call, and no thread waits for another.
 */
final class NativeClient {
  private final Native calls;
  private final long client;
  private final Lease lease = new Lease();

  /** The number of users: the owner, and each call in progress. */
  private final AtomicInteger holders = new AtomicInteger(1);

  NativeClient(Native calls, long client) {
    this.calls = calls;
    this.client = client;
  }

  /** The right to make one call. Closing it ends the call. */
  final class Lease implements AutoCloseable {
    private Lease() {}

    long client() {
      return client;
    }

    @Override
    public void close() {
      release();
    }
  }

  /** A lease for one call; null if the client was freed. */
  @Nullable Lease lease() {
    int now;
    do {
      now = holders.get();
      if (now == 0) {
        return null;
      }
    } while (!holders.compareAndSet(now, now + 1));
    return lease;
  }

  /** Ends one use, by a call or by the owner. */
  void release() {
    if (holders.decrementAndGet() == 0) {
      calls.pact_telemetry_free(client);
      Library.release();
    }
  }
}
