package au.com.dius.pact.telemetry;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;

/**
 * Foreign calls by JNA, for Java 17 to 21. Direct mapping: an interface mapping costs several times
 * as much a call.
 */
final class JnaBackend implements Backend {
  /** Held, because JNA closes a library that nobody refers to. */
  private final NativeLibrary library;

  private JnaBackend(NativeLibrary library) {
    this.library = library;
  }

  static JnaBackend open(String name) {
    if (com.sun.jna.Native.POINTER_SIZE != Long.BYTES) {
      throw new UnsatisfiedLinkError("a 64-bit JVM is needed");
    }
    NativeLibrary library = NativeLibrary.getInstance(name);
    Backend.requireAbi(library.getFunction("pact_telemetry_abi_version").invokeInt(new Object[0]));
    com.sun.jna.Native.register(JnaBackend.class, library);
    return new JnaBackend(library);
  }

  @Override
  public String kind() {
    return "jna";
  }

  @Override
  public long addressOf(ByteBuffer direct) {
    return Pointer.nativeValue(com.sun.jna.Native.getDirectBufferPointer(direct));
  }

  @Override
  public String textAt(long pointer) {
    return new Pointer(pointer).getString(0, "UTF-8");
  }

  @Override
  public String toString() {
    return library.toString();
  }

  @Override
  public native int pact_telemetry_abi_version();

  @Override
  public native long pact_telemetry_version();

  @Override
  public native long pact_telemetry_status_name(int status);

  @Override
  public native long pact_telemetry_new(long configJson, long error, int errorCapacity);

  @Override
  public native int pact_telemetry_track(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion);

  @Override
  public native int pact_telemetry_set_enabled(long client, int enabled);

  @Override
  public native int pact_telemetry_is_enabled(long client);

  @Override
  public native int pact_telemetry_explain(long client, long out, int capacity);

  @Override
  public native int pact_telemetry_preview(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion,
      long out,
      int capacity);

  @Override
  public native int pact_telemetry_stats(long client, long out, int capacity);

  @Override
  public native int pact_telemetry_flush(long client, int timeoutMs);

  @Override
  public native int pact_telemetry_close(long client, int timeoutMs);

  @Override
  public native void pact_telemetry_free(long client);
}
