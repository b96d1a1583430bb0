using System;
using System.Collections.Generic;
using System.Text;

namespace PactFoundation.Telemetry
{
    /// <summary>Converts text to and from NUL-terminated UTF-8, and times to milliseconds.</summary>
    internal static class Text
    {
        /// <summary>The largest number of remembered texts, and the longest one in characters.</summary>
        private const int Most = 256;
        private const int Longest = 500;

        private static readonly Encoding Utf8 = new UTF8Encoding(false, true);

        /// <summary>A text that is never valid UTF-8, so the library refuses and counts it.</summary>
        private static readonly byte[] Invalid = { 0xFF, 0 };

        /// <summary>
        /// Remembers texts, because most events have the same few. It is replaced as a whole, so that it is read
        /// without a lock.
        /// </summary>
        private static volatile Dictionary<string, byte[]> known = new Dictionary<string, byte[]>();

        internal static byte[] Encode(string text)
        {
            if (text == null)
            {
                return null;
            }
            byte[] encoded;
            return known.TryGetValue(text, out encoded) ? encoded : Prepare(text);
        }

        private static byte[] Prepare(string text)
        {
            byte[] encoded;
            try
            {
                // C takes a NUL for the end of the text. U+0001 replaces it: the library refuses any control character.
                encoded = Utf8.GetBytes(text.Replace('\0', '\u0001') + "\0");
            }
            catch (EncoderFallbackException) // half a surrogate pair
            {
                encoded = Invalid;
            }
            Dictionary<string, byte[]> before = known;
            if (before.Count < Most && text.Length <= Longest)
            {
                known = new Dictionary<string, byte[]>(before) { [text] = encoded };
            }
            return encoded;
        }

        /// <summary>The whole milliseconds, rounded up, so that a short wait is still a wait.</summary>
        internal static long Milliseconds(TimeSpan time) => (long)Math.Ceiling(time.TotalMilliseconds);

        /// <summary>The text that a function writes; null if it returns a negative status.</summary>
        internal static unsafe string Read(Writer write, out int status)
        {
            int capacity = 4096;
            while (true)
            {
                byte[] buffer = new byte[capacity];
                fixed (byte* start = buffer)
                {
                    status = write(start, (uint)capacity);
                }
                if (status < 0)
                {
                    return null;
                }
                if (status < capacity)
                {
                    return Encoding.UTF8.GetString(buffer, 0, status);
                }
                capacity = status + 64; // counters may grow by a digit between two calls
            }
        }

        /// <summary>The NUL-terminated text at an address.</summary>
        internal static unsafe string Owned(byte* text)
        {
            int length = 0;
            while (text[length] != 0)
            {
                length++;
            }
            return Encoding.UTF8.GetString(text, length);
        }

        internal unsafe delegate int Writer(byte* start, uint capacity);
    }
}
