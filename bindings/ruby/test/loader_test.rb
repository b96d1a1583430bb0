# frozen_string_literal: true

require_relative "helper"

# If the library cannot be used, the client is a silent no-op that says why.
class LoaderTest < Minitest::Test
  include Support

  # Uses every method; prints the reason.
  USE = <<~RUBY
    client = PactTelemetry::Client.new(**OPTIONS)
    reason = client.unavailable_reason
    told = [client.explain, client.stats, client.preview("e", category: "c", action: "a")]
    told.each { |answer| abort answer.inspect unless answer.values_at(:outcome, :reason) == [:unavailable, reason] }
    answers = [client.pacts_verified(1), client.flush, client.persist, client.enabled?, client.explain[:state],
               client.stats[:accepted], client.enabled = true, client.close, client.close, client.inspect]
    expected = [:unavailable, :ok, :ok, false, :unavailable, 0, true, :ok, :ok, "#<PactTelemetry::Client unavailable>"]
    abort answers.inspect unless answers == expected
    puts reason
  RUBY

  def test_a_missing_library
    assert_equal "/nowhere/libpact.so: cannot open shared object file: No such file or directory",
                 reason_for("/nowhere/libpact.so")
  end

  def test_a_file_that_is_not_a_library
    in_a_file("not a library, but longer than the header of a library, which has sixty-four bytes") do |path|
      assert_match(/invalid ELF header/, reason_for(path))
    end
  end

  def test_an_empty_file_and_a_folder
    in_a_file("") { |path| assert_match(/too short/, reason_for(path)) }
    assert_match(/directory/i, reason_for(Dir.tmpdir))
  end

  def test_a_library_for_another_machine
    library = File.binread(LIBRARY)
    library[18, 2] = [0x15].pack("S") # e_machine: 64-bit PowerPC
    in_a_file(library) { |path| assert_includes reason_for(path), path }
  end

  def test_a_library_with_another_abi_version
    compiled("unsigned pact_telemetry_abi_version(void) { return 2; }") do |path|
      assert_equal "#{path}: has ABI version 2, not 1", reason_for(path)
    end
  end

  def test_a_library_that_lacks_functions
    compiled("unsigned pact_telemetry_abi_version(void) { return 1; }") do |path|
      assert_equal "#{path}: has no function pact_telemetry_version", reason_for(path)
    end
    compiled("int other;") { |path| assert_equal "#{path}: is not libpact_telemetry", reason_for(path) }
  end

  def test_without_the_variable_the_system_library_is_tried
    reason = "this gem is the one for any platform, which carries no library for #{PactTelemetry::Platform.name}; " \
             "libpact_telemetry.so.1: cannot open shared object file: No such file or directory"
    assert_equal reason, reason_for(nil)
    assert_equal reason, reason_for("")
  end

  def test_a_gem_for_another_platform_says_so
    Dir.mktmpdir do |folder|
      FileUtils.cp_r(LIB, folder)
      FileUtils.mkdir_p(File.join(folder, "native/linux-x64-other"))
      out = ruby!(USE, options: options, environment: { "PACT_TELEMETRY_LIBRARY" => nil },
                       arguments: ["-I#{folder}/lib", "-rpact_telemetry"])
      here = PactTelemetry::Platform.name
      assert_match(/\Athis gem carries the library for linux-x64-other, and this Ruby runs on #{here}; /, out)
    end
  end

  # Code in a Ractor raises when it reads anything of the process that is not frozen. The client does not raise.
  def test_in_a_ractor_it_says_that_ractors_are_not_supported
    ended = ruby(<<~RUBY, options: options)
      require "ffi" # some of its versions may be used in Ractors, but a client may not
      PactTelemetry::Client.new(**OPTIONS) # so that the library is loaded already
      options = Ractor.make_shareable(OPTIONS)
      use = #{USE.gsub('OPTIONS', 'given').dump}.freeze
      Ractor.new(options, use) { |given, use| Object.const_set(:ANSWER, eval(use, binding)) }.take
    RUBY
    assert_equal "Ractors are not supported: make and use clients in the main Ractor\n", ended.out, ended.err
    assert_equal 1, ended.err.lines.size, ended.err # Ruby's own warning about Ractors
  end

  # A Ractor copies what it is given, and Ruby copies an object with its finalizer. At the end everything is freed.
  def test_a_client_that_is_passed_to_a_ractor_does_nothing_there_and_stays_whole_here
    ended = ruby(<<~RUBY, options: options)
      client = PactTelemetry::Client.new(**OPTIONS)
      given = [Ractor.new(client) { |copy| [copy.mock_server_started, copy.flush, copy.unavailable_reason] }.take,
               Ractor.new([{ client: client }]) { |deep| deep[0][:client].stats[:outcome] }.take]
      GC.start
      p [*given, client.mock_server_started]
    RUBY
    reason = "Ractors are not supported: make and use clients in the main Ractor"
    assert_equal "#{[[:unavailable, :ok, reason], :unavailable, :ok].inspect}\n", ended.out, ended.err
    assert_equal 1, ended.err.lines.size, ended.err # Ruby's own warning about Ractors
  end

  def test_the_system_library_is_found
    Dir.mktmpdir do |folder|
      FileUtils.cp(LIBRARY, File.join(folder, "libpact_telemetry.so.1"))
      environment = { "PACT_TELEMETRY_LIBRARY" => nil, "LD_LIBRARY_PATH" => folder }
      code = "p PactTelemetry::Client.new(**OPTIONS).unavailable_reason"
      assert_equal "nil\n", ruby!(code, options: options, environment: environment)
    end
  end

  def test_an_ffi_gem_that_cannot_be_loaded
    Dir.mktmpdir do |folder|
      File.write(File.join(folder, "ffi.rb"), "raise LoadError, 'built for another Ruby'")
      out = ruby!(USE, options: options, arguments: ["-I#{folder}", "-I#{LIB}", "-rpact_telemetry"])
      assert_equal "the ffi gem cannot be used: built for another Ruby\n", out
    end
  end

  def test_requiring_loads_no_library_and_not_even_ffi
    out = ruby!("p defined?(FFI), File.read('/proc/self/maps').include?('pact_telemetry.so')")
    assert_equal "nil\nfalse\n", out
  end

  private

  def reason_for(path)
    ruby!(USE, options: options, environment: { "PACT_TELEMETRY_LIBRARY" => path }).chomp
  end

  def in_a_file(content)
    Dir.mktmpdir do |folder|
      path = File.join(folder, "libpact_telemetry.so")
      File.binwrite(path, content)
      yield path
    end
  end

  def compiled(source)
    Dir.mktmpdir do |folder|
      path = File.join(folder, "libpact_telemetry.so")
      out, status = Open3.capture2e("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path, stdin_data: source)
      assert status.success?, out
      yield path
    end
  end
end
