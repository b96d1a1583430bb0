package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;

/** A way to make foreign calls: the header's functions, and what a {@code long} pointer needs. */
interface Backend extends Native {
  /** How calls are made, for {@link Telemetry#explain()}. */
  String kind();

  /** Where a direct buffer lies. The caller keeps the buffer alive while the address is in use. */
  long addressOf(ByteBuffer direct);

  /** The NUL-terminated UTF-8 at an address that the library owns. */
  String textAt(long pointer);

  /**
   * Gives up what the process would keep of this class. The library stays mapped.
   *
   * @return whether this may not be used any more, so that the next client needs a new one
   */
  boolean release();

  /**
   * Throws for a library of another ABI. Asked before any other function is bound, so that the
   * reason is this one, and not a function that the other ABI lacks.
   */
  static void requireAbi(int found) {
    if (found != ABI_VERSION) {
      throw new UnsatisfiedLinkError(
          "it has ABI version "
              + Integer.toUnsignedString(found)
              + ", and "
              + ABI_VERSION
              + " is needed");
    }
  }
}
