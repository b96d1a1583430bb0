package au.com.dius.pact.telemetry;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * Foreign calls by JNA, for Java 17 to 21, and for later versions where only JNA has native access.
 * It uses direct mapping: a call through an interface mapping costs several times as much.
 */
final class JnaBackend implements Backend {
  /** The flags RTLD_LAZY and RTLD_NODELETE of dlopen, on Linux and on macOS. */
  private static final int LAZY_NODELETE = Platform.isMac() ? 0x81 : 0x1001;

  private JnaBackend() {}

  static JnaBackend open(String name) {
    if (com.sun.jna.Native.POINTER_SIZE != Long.BYTES) {
      throw new UnsatisfiedLinkError("a 64-bit JVM is needed");
    }
    Map<String, Object> options =
        Platform.isWindows()
            ? Map.of()
            : Map.of(com.sun.jna.Library.OPTION_OPEN_FLAGS, LAZY_NODELETE);
    NativeLibrary library = NativeLibrary.getInstance(name, options);
    Backend.requireAbi(library.getFunction("pact_telemetry_abi_version").invokeInt(new Object[0]));
    com.sun.jna.Native.register(JnaBackend.class, library);
    letGo(library);
    return new JnaBackend();
  }

  /**
   * Removes what JNA keeps of this class and of the library, since that would keep the class loader
   * alive. {@link #release()} removes the methods later. The library stays mapped because of the
   * flags that it was opened with. Windows has no such flags, so the library stays open there.
   */
  private static void letGo(NativeLibrary library) {
    com.sun.jna.Native.getLibraryOptions(JnaBackend.class).clear();
    if (!Platform.isWindows()) {
      library.close();
    }
  }

  @Override
  public String kind() {
    return "jna";
  }

  @Override
  public boolean release() {
    com.sun.jna.Native.unregister(JnaBackend.class);
    return true;
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
  public native int pact_telemetry_persist(long client, int timeoutMs);

  @Override
  public native int pact_telemetry_flush(long client, int timeoutMs);

  @Override
  public native int pact_telemetry_close(long client, int timeoutMs);

  @Override
  public native void pact_telemetry_free(long client);
}
