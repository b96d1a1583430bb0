package au.com.dius.pact.telemetry;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Foreign calls by java.lang.foreign. A pointer is passed as a 64-bit number, which every 64-bit
 * calling convention treats alike, so no segment is made for an argument. The handles are
 * constants, and take the address of the function as their first argument, because the JIT can only
 * optimise calls of constant handles. Making a handle costs milliseconds, so each one is made when
 * it is first needed, and functions with the same signature share it.
 */
@SuppressWarnings("restricted") // Foreign calls are what this package is for.
final class FfmBackend implements Backend {
  private static final class Int {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.of(JAVA_INT));
  }

  private static final class Address {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.of(JAVA_LONG));
  }

  private static final class AddressOfInt {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
  }

  private static final class New {
    static final MethodHandle HANDLE =
        handle(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));
  }

  private static final class Track {
    static final MethodHandle HANDLE =
        handle(
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                JAVA_LONG));
  }

  private static final class IntOfClient {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  }

  private static final class IntOfClientAndInt {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
  }

  private static final class Write {
    static final MethodHandle HANDLE =
        handle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  }

  private static final class Preview {
    static final MethodHandle HANDLE =
        handle(
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                JAVA_LONG, JAVA_LONG, JAVA_INT));
  }

  private static final class Free {
    static final MethodHandle HANDLE = handle(FunctionDescriptor.ofVoid(JAVA_LONG));
  }

  private final MemorySegment abiVersion;
  private final MemorySegment version;
  private final MemorySegment statusName;
  private final MemorySegment create;
  private final MemorySegment track;
  private final MemorySegment setEnabled;
  private final MemorySegment isEnabled;
  private final MemorySegment explain;
  private final MemorySegment preview;
  private final MemorySegment stats;
  private final MemorySegment persist;
  private final MemorySegment flush;
  private final MemorySegment close;
  private final MemorySegment free;

  private FfmBackend(SymbolLookup library) {
    abiVersion = address(library, "pact_telemetry_abi_version");
    version = address(library, "pact_telemetry_version");
    statusName = address(library, "pact_telemetry_status_name");
    create = address(library, "pact_telemetry_new");
    track = address(library, "pact_telemetry_track");
    setEnabled = address(library, "pact_telemetry_set_enabled");
    isEnabled = address(library, "pact_telemetry_is_enabled");
    explain = address(library, "pact_telemetry_explain");
    preview = address(library, "pact_telemetry_preview");
    stats = address(library, "pact_telemetry_stats");
    persist = address(library, "pact_telemetry_persist");
    flush = address(library, "pact_telemetry_flush");
    close = address(library, "pact_telemetry_close");
    free = address(library, "pact_telemetry_free");
  }

  static FfmBackend open(SymbolLookup library) {
    try {
      MemorySegment abiVersion = address(library, "pact_telemetry_abi_version");
      Backend.requireAbi((int) Int.HANDLE.invokeExact(abiVersion));
    } catch (RuntimeException | Error error) {
      throw error;
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
    return new FfmBackend(library);
  }

  private static MethodHandle handle(FunctionDescriptor function) {
    return Linker.nativeLinker().downcallHandle(function);
  }

  private static MemorySegment address(SymbolLookup library, String function) {
    Optional<MemorySegment> found = library.find(function);
    if (found.isEmpty()) {
      throw new UnsatisfiedLinkError("it has no function " + function);
    }
    return found.get();
  }

  /** A downcall throws no checked exception, but the compiler does not know that. */
  private static IllegalStateException unexpected(Throwable thrown) {
    return new IllegalStateException(thrown);
  }

  @Override
  public String kind() {
    return "ffm";
  }

  @Override
  public boolean release() {
    return false; // The JDK keeps nothing of this class.
  }

  @Override
  public long addressOf(ByteBuffer direct) {
    return MemorySegment.ofBuffer(direct).address();
  }

  @Override
  public String textAt(long pointer) {
    return MemorySegment.ofAddress(pointer).reinterpret(Integer.MAX_VALUE).getString(0);
  }

  @Override
  public int pact_telemetry_abi_version() {
    try {
      return (int) Int.HANDLE.invokeExact(abiVersion);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public long pact_telemetry_version() {
    try {
      return (long) Address.HANDLE.invokeExact(version);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public long pact_telemetry_status_name(int status) {
    try {
      return (long) AddressOfInt.HANDLE.invokeExact(statusName, status);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public long pact_telemetry_new(long configJson, long error, int errorCapacity) {
    try {
      return (long) New.HANDLE.invokeExact(create, configJson, error, errorCapacity);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_track(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion) {
    try {
      return (int)
          Track.HANDLE.invokeExact(
              track, client, event, category, action, value, pluginName, pluginVersion);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_set_enabled(long client, int enabled) {
    try {
      return (int) IntOfClientAndInt.HANDLE.invokeExact(setEnabled, client, enabled);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_is_enabled(long client) {
    try {
      return (int) IntOfClient.HANDLE.invokeExact(isEnabled, client);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_explain(long client, long out, int capacity) {
    try {
      return (int) Write.HANDLE.invokeExact(explain, client, out, capacity);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_preview(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion,
      long out,
      int capacity) {
    try {
      return (int)
          Preview.HANDLE.invokeExact(
              preview,
              client,
              event,
              category,
              action,
              value,
              pluginName,
              pluginVersion,
              out,
              capacity);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_stats(long client, long out, int capacity) {
    try {
      return (int) Write.HANDLE.invokeExact(stats, client, out, capacity);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_persist(long client, int timeoutMs) {
    try {
      return (int) IntOfClientAndInt.HANDLE.invokeExact(persist, client, timeoutMs);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_flush(long client, int timeoutMs) {
    try {
      return (int) IntOfClientAndInt.HANDLE.invokeExact(flush, client, timeoutMs);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public int pact_telemetry_close(long client, int timeoutMs) {
    try {
      return (int) IntOfClientAndInt.HANDLE.invokeExact(close, client, timeoutMs);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  @Override
  public void pact_telemetry_free(long client) {
    try {
      Free.HANDLE.invokeExact(free, client);
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }
}
