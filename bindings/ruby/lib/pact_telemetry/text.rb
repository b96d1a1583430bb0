# frozen_string_literal: true

module PactTelemetry
  # Text on its way to the library and back. What is no text is handed on as something that the library refuses, and so
  # counts.
  #
  # @api private
  module Text
    # No text at all, or in an encoding that UTF-8 cannot hold: never valid UTF-8, refused as such.
    INVALID = "\xFF"

    # What stands for a NUL, which C text cannot hold: a control character, refused as a NUL would be.
    CONTROL = "\u0001"

    # How many texts are known at most, and how long they are, in bytes.
    MOST = 256
    LONGEST = 500

    private_constant :INVALID, :CONTROL, :MOST, :LONGEST

    # Large enough for most answers, so that the library is asked once.
    CAPACITY = 4096

    # @param value [String, Symbol, nil] anything else is refused by the library
    # @return [String, nil] bytes to hand to the library as UTF-8
    def self.prepare(value)
      case value
      when nil then return nil
      when String then nil
      when Symbol then value = value.name
      else return INVALID
      end
      value = recode(value) unless value.encoding == Encoding::UTF_8
      value.include?("\0") ? value.b.tr("\0", CONTROL) : value
    end

    # Binary text is taken for UTF-8, as Ruby itself does where it reads from a socket.
    def self.recode(text)
      return text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY

      text.encode(Encoding::UTF_8)
    rescue EncodingError
      INVALID
    end
    private_class_method :recode

    # {text => the prepared text}. Most events have the same few texts; it is bounded for programs whose events do not.
    PREPARED = Hash.new do |known, value|
      prepared = prepare(value)
      keep = [String, Symbol].include?(value.class) && prepared.bytesize <= LONGEST && known.size < MOST
      keep ? known[value] = prepared.dup.freeze : prepared
    end
    PREPARED[nil] = nil

    # Asks for a text, and once more with a larger buffer where it did not fit.
    #
    # @yieldparam buffer [FFI::MemoryPointer]
    # @yieldparam capacity [Integer] its size in bytes
    # @yieldreturn [Integer] full length of the text in bytes, or a negative status
    # @return [String, Integer] the text, or the negative status
    def self.read
      capacity = CAPACITY
      loop do
        buffer = FFI::MemoryPointer.new(:char, capacity)
        length = yield(buffer, capacity)
        return length if length.negative?
        return buffer.read_bytes(length).force_encoding(Encoding::UTF_8) if length < capacity

        capacity = length + 1
      end
    end
  end
end
