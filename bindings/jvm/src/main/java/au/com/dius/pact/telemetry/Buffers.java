package au.com.dius.pact.telemetry;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Native memory for the texts of a call. A buffer is lent to one call at a time and reused, because
 * allocating one costs more than the call. There is not one buffer for each thread: a pooled thread
 * would keep the class loader alive, and each virtual thread would allocate its own.
 */
final class Buffers {
  /** Enough for the largest event that the library takes (1,450 bytes of text). */
  private static final int CAPACITY = 2048;

  private static final int SLOTS = 16;

  /** The distance of two slots, so that two processors do not share a cache line. */
  private static final int STRIDE = 16;

  private final Backend backend;
  private final AtomicReferenceArray<@Nullable Buffer> slots =
      new AtomicReferenceArray<>(SLOTS * STRIDE);

  Buffers(Backend backend) {
    this.backend = backend;
  }

  /** An empty buffer for one call. The caller closes it after the call. */
  Buffer lend(long needed) {
    if (needed > CAPACITY) {
      return new Buffer(this, Math.toIntExact(needed), -1);
    }
    int slot = (System.identityHashCode(Thread.currentThread()) & SLOTS - 1) * STRIDE;
    Buffer idle = slots.getAndSet(slot, null);
    return idle == null ? new Buffer(this, CAPACITY, slot) : idle;
  }

  /** The C strings of one call, side by side. */
  static final class Buffer implements AutoCloseable {
    private final Buffers owner;
    private final ByteBuffer memory;
    private final long address;
    private final int slot;
    private int used;

    private Buffer(Buffers owner, int capacity, int slot) {
      this.owner = owner;
      this.slot = slot;
      memory = ByteBuffer.allocateDirect(capacity);
      address = owner.backend.addressOf(memory);
    }

    /** Copies the text, and returns the address of the copy, or 0 for null. */
    long put(byte @Nullable [] text) {
      if (text == null) {
        return 0;
      }
      long at = address + used;
      memory.put(used, text);
      used += text.length;
      return at;
    }

    /**
     * Returns the buffer. The memory stays alive until here, even if the JIT sees no further use.
     */
    @Override
    public void close() {
      used = 0;
      if (slot >= 0) {
        owner.slots.set(slot, this);
      } else {
        Reference.reachabilityFence(memory);
      }
    }
  }
}
