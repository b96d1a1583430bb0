# frozen_string_literal: true

module PactTelemetry
  # Converts texts for the library and from it. A value that is no text becomes one that the library refuses and counts.
  #
  # @api private
  module Text
    # Stands for a value that is no text or cannot be converted to UTF-8. It is not valid UTF-8, so the library refuses
    # it.
    INVALID = "\xFF"

    # Stands for a NUL, which a C string cannot contain. The library refuses this control character too.
    CONTROL = "\u0001"

    # The most texts that are kept prepared, and the most bytes of each.
    MOST = 256
    LONGEST = 500

    private_constant :INVALID, :CONTROL, :MOST, :LONGEST

    # Large enough for most answers, so that the library is asked once.
    CAPACITY = 4096

    # @param value [String, Symbol, nil] the library refuses anything else
    # @return [String, nil] the bytes to pass to the library as UTF-8
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

    # Binary text is taken as UTF-8: it is often UTF-8 that was read from a socket.
    def self.recode(text)
      return text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY

      text.encode(Encoding::UTF_8)
    rescue EncodingError
      INVALID
    end
    private_class_method :recode

    # {text => the prepared text}. Most events have the same few texts. The size is bounded for programs with many.
    PREPARED = Hash.new do |known, value|
      prepared = prepare(value)
      keep = [String, Symbol].include?(value.class) && prepared.bytesize <= LONGEST && known.size < MOST
      keep ? known[value] = prepared.dup.freeze : prepared
    end
    PREPARED[nil] = nil

    # Asks for a text, and again with a larger buffer if it did not fit.
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
