package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Java text as C text. */
final class Utf8 {
  private Utf8() {}

  /** A text that C cannot say: it holds a NUL, at which C would cut it, or half a character. */
  static final class Unspeakable extends Exception {
    private static final long serialVersionUID = 1L;

    private Unspeakable(String message) {
      // Thrown in track: without a stack trace it costs nothing to speak of.
      super(message, null, false, false);
    }
  }

  /** NUL-terminated UTF-8; null for null. */
  static byte[] of(String text) throws Unspeakable {
    if (text == null) {
      return null;
    }
    int length = text.length();
    byte[] bytes = new byte[length + 1];
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c == 0 || c >= 0x80) {
        return encode(text);
      }
      bytes[i] = (byte) c;
    }
    return bytes;
  }

  private static byte[] encode(String text) throws Unspeakable {
    if (text.indexOf('\0') >= 0) {
      throw new Unspeakable("a NUL character");
    }
    try {
      // A new encoder reports a lone surrogate, where getBytes would write a question mark.
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[encoded.remaining() + 1];
      encoded.get(bytes, 0, bytes.length - 1);
      return bytes;
    } catch (CharacterCodingException lone) {
      throw new Unspeakable("half a surrogate pair");
    }
  }

  /** A text that is written in this package's source. */
  static byte[] constant(String text) {
    try {
      return of(text);
    } catch (Unspeakable impossible) {
      throw new AssertionError(impossible);
    }
  }
}
