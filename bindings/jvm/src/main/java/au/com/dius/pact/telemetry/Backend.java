package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;

/** A way to make foreign calls: the functions of the header, and conversions of pointers. */
interface Backend extends Native {
  /** How calls are made, for {@link Telemetry#explain()}. */
  String kind();

  /**
   * The address of a direct buffer. The caller keeps the buffer alive while the address is in use.
   */
  long addressOf(ByteBuffer direct);

  /** The NUL-terminated UTF-8 at an address that the library owns. */
  String textAt(long pointer);

  /**
   * Releases what would keep this class in the process. The library stays mapped.
   *
   * @return true if this backend can no longer be used, so that the next client needs a new one
   */
  boolean release();

  /**
   * Throws for a library of another ABI. It is called before any other function is bound, so that
   * the error names the ABI, and not a function that the other ABI does not have.
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
