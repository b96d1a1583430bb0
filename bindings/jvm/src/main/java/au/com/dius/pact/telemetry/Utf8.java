package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Java strings as C strings. */
final class Utf8 {
  private Utf8() {}

  /** A string that cannot become a C string: it has a NUL character or half a surrogate pair. */
  static final class InvalidTextException extends Exception {
    private static final long serialVersionUID = 1L;

    private InvalidTextException(String message) {
      // It is thrown in track: without a stack trace it costs almost nothing.
      super(message, null, false, false);
    }
  }

  /** NUL-terminated UTF-8; null for null. */
  static byte @Nullable [] of(@Nullable String text) throws InvalidTextException {
    return text == null ? null : encode(text);
  }

  static byte[] encode(String text) throws InvalidTextException {
    int length = text.length();
    byte[] bytes = new byte[length + 1];
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c == 0 || c >= 0x80) {
        return encodeUnicode(text);
      }
      bytes[i] = (byte) c;
    }
    return bytes;
  }

  private static byte[] encodeUnicode(String text) throws InvalidTextException {
    if (text.indexOf('\0') >= 0) {
      throw new InvalidTextException("a NUL character");
    }
    try {
      // A new encoder reports a lone surrogate; getBytes would write a question mark.
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[encoded.remaining() + 1];
      encoded.get(bytes, 0, bytes.length - 1);
      return bytes;
    } catch (CharacterCodingException lone) {
      throw new InvalidTextException("half a surrogate pair");
    }
  }

  /** Encodes a constant of this package. */
  static byte[] constant(String text) {
    try {
      return encode(text);
    } catch (InvalidTextException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
