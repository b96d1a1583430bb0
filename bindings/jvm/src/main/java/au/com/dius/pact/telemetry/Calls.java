package au.com.dius.pact.telemetry;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The functions of the header that take or return text, with C strings as byte arrays. */
final class Calls {
  private static final int ERROR_BUFFER = 512;

  /** Enough for most results of {@link #text}; a longer text costs a second call. */
  private static final int TEXT_BUFFER = 8192;

  private final Backend backend;
  private final Buffers buffers;

  Calls(Backend backend) {
    this.backend = backend;
    buffers = new Buffers(backend);
  }

  /** The functions that take no text. */
  Backend backend() {
    return backend;
  }

  String version() {
    return backend.textAt(backend.pact_telemetry_version());
  }

  String statusName(int status) {
    return backend.textAt(backend.pact_telemetry_status_name(status));
  }

  /** A new client, or 0 and the reason why there is none. */
  record Created(long client, String error) {}

  Created create(byte @Nullable [] config) {
    ByteBuffer error = ByteBuffer.allocateDirect(ERROR_BUFFER);
    try (Buffers.Buffer in = buffers.lend(length(config))) {
      long client =
          backend.pact_telemetry_new(in.put(config), backend.addressOf(error), ERROR_BUFFER);
      return new Created(client, client == 0 ? textIn(error) : "");
    } finally {
      Reference.reachabilityFence(error);
    }
  }

  int track(long client, Event event) {
    return track(
        client,
        event.event(),
        event.category(),
        event.action(),
        event.value(),
        event.pluginName(),
        event.pluginVersion());
  }

  int track(
      long client,
      byte @Nullable [] event,
      byte @Nullable [] category,
      byte @Nullable [] action,
      long value,
      byte @Nullable [] pluginName,
      byte @Nullable [] pluginVersion) {
    long needed =
        length(event)
            + length(category)
            + length(action)
            + length(pluginName)
            + length(pluginVersion);
    try (Buffers.Buffer in = buffers.lend(needed)) {
      return backend.pact_telemetry_track(
          client,
          in.put(event),
          in.put(category),
          in.put(action),
          value,
          in.put(pluginName),
          in.put(pluginVersion));
    }
  }

  /** The text that a function wrote. If the text is null, the function returned this status. */
  record Text(int status, @Nullable String text) {}

  /** A function that writes into the caller's buffer and returns the full length of its text. */
  interface Writer {
    int write(long out, int capacity);
  }

  Text preview(long client, Event event) {
    return text(previewer(client, event));
  }

  Writer previewer(long client, Event event) {
    return (out, capacity) -> {
      long needed =
          length(event.event())
              + length(event.category())
              + length(event.action())
              + length(event.pluginName())
              + length(event.pluginVersion());
      try (Buffers.Buffer in = buffers.lend(needed)) {
        return backend.pact_telemetry_preview(
            client,
            in.put(event.event()),
            in.put(event.category()),
            in.put(event.action()),
            event.value(),
            in.put(event.pluginName()),
            in.put(event.pluginVersion()),
            out,
            capacity);
      }
    };
  }

  Text explain(long client) {
    return text((out, capacity) -> backend.pact_telemetry_explain(client, out, capacity));
  }

  Text stats(long client) {
    return text((out, capacity) -> backend.pact_telemetry_stats(client, out, capacity));
  }

  private Text text(Writer writer) {
    int capacity = TEXT_BUFFER;
    // The text may grow between two calls. If it grows in every attempt, something is broken.
    for (int attempt = 0; attempt < 4; attempt++) {
      ByteBuffer out = ByteBuffer.allocateDirect(capacity);
      int length = write(writer, out, capacity);
      if (length < 0) {
        return new Text(length, null);
      }
      if (length < capacity) {
        return new Text(Native.OK, textIn(out));
      }
      capacity = length + 1024;
    }
    return new Text(Native.ERROR_INTERNAL, null);
  }

  /** Calls a function that writes. If the capacity is 0, it gets NULL instead of the buffer. */
  int write(Writer writer, ByteBuffer out, int capacity) {
    try {
      return writer.write(capacity == 0 ? 0 : backend.addressOf(out), capacity);
    } finally {
      Reference.reachabilityFence(out);
    }
  }

  /** The text up to the NUL in a buffer. */
  static String textIn(ByteBuffer buffer) {
    int length = 0;
    while (length < buffer.capacity() && buffer.get(length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    buffer.get(0, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static long length(byte @Nullable [] text) {
    return text == null ? 0 : text.length;
  }
}
