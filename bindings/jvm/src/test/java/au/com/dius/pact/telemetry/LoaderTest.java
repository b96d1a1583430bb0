package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderTest {
  @TempDir Path folder;

  private static String reasonFor(Path library) {
    return Loader.load(Map.of("PACT_TELEMETRY_LIBRARY", library.toString())).missing();
  }

  @Test
  void a_missing_library_gives_a_reason() {
    Path missing = folder.resolve("missing.so");
    assertEquals(
        "PACT_TELEMETRY_LIBRARY=" + missing + ": there is no such file", reasonFor(missing));
  }

  @Test
  void a_file_that_is_no_library_gives_a_reason() throws Exception {
    Path text = Files.writeString(folder.resolve("text.so"), "I am no library");
    assertTrue(reasonFor(text).startsWith("PACT_TELEMETRY_LIBRARY=" + text + ": "));
  }

  @Test
  void a_library_for_another_processor_gives_a_reason() throws Exception {
    ByteBuffer elf = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    elf.putShort(16, (short) 3); // a shared object
    elf.putShort(18, (short) 243); // for RISC-V
    elf.putInt(20, 1);
    Path other = Files.write(folder.resolve("other.so"), elf.array());
    assertTrue(reasonFor(other).startsWith("PACT_TELEMETRY_LIBRARY=" + other + ": "));
  }

  @Test
  void a_library_of_another_abi_gives_a_reason() throws Exception {
    String stub = otherAbi(folder);
    assertEquals(
        "PACT_TELEMETRY_LIBRARY=" + stub + ": it has ABI version 2, and 1 is needed",
        reasonFor(Path.of(stub)));
  }

  /** Compiles a library that can be opened but has another ABI. */
  static String otherAbi(Path folder) throws Exception {
    Path source =
        Files.writeString(
            folder.resolve("stub.c"),
            "unsigned pact_telemetry_abi_version(void) {\n  return 2;\n}\n");
    Path stub = folder.resolve("stub.so");
    assertEquals(
        0,
        new ProcessBuilder("cc", "-shared", "-fPIC", "-o", stub.toString(), source.toString())
            .inheritIO()
            .start()
            .waitFor());
    return stub.toString();
  }

  @Test
  void without_the_variable_the_reason_names_each_place_that_was_tried() {
    // In the source tree the jar of natives is empty; an installed library would be found.
    Library library = Loader.load(Map.of());
    assumeTrue(library.calls() == null, "a library is installed on this system");
    assertTrue(
        library
            .missing()
            .startsWith(
                "there is no linux-x86-64/libpact_telemetry.so on the class path "
                    + "(telemetry-natives has it); the system's libpact_telemetry.so.1: "),
        library.missing());
  }

  @Test
  void a_client_without_a_library_does_nothing_and_says_why() throws Exception {
    Path missing = folder.resolve("missing.so");
    Jvm jvm = new Jvm().with("PACT_TELEMETRY_LIBRARY", missing.toString());
    expectUnavailable(jvm, "PACT_TELEMETRY_LIBRARY=" + missing + ": there is no such file");
  }

  @Test
  void on_a_platform_without_a_library_the_client_does_nothing_and_says_why() throws Exception {
    Jvm jvm = new Jvm().with("PACT_TELEMETRY_LIBRARY", "");
    jvm.arguments.add("-Dos.arch=s390x");
    expectUnavailable(jvm, "there is no library for Linux on s390x");
  }

  private static List<String> expectUnavailable(Jvm jvm, String reason) throws Exception {
    Jvm.Ended ended = jvm.run("asks");
    List<String> lines = ended.out().lines().toList();
    assertEquals("unavailable", json(lines.get(0)).get("state").getAsString());
    assertTrue(lines.get(1).startsWith(reason), lines.get(1));
    assertEquals(List.of("UNAVAILABLE", "OK", "OK", "false", "UNAVAILABLE"), lines.subList(2, 7));
    for (String answer : List.of(lines.get(0), lines.get(7), lines.get(8))) {
      assertEquals("unavailable", json(answer).get("outcome").getAsString());
      assertEquals(lines.get(1), json(answer).get("reason").getAsString());
    }
    assertEquals(List.of("OK", "CLOSED"), lines.subList(9, 11));
    assertEquals(0, ended.code());
    List<String> said =
        ended.err().lines().filter(line -> !line.contains("Security Manager")).toList();
    assertEquals(List.of(), said);
    return lines;
  }

  private static JsonObject json(String text) {
    return JsonParser.parseString(text).getAsJsonObject();
  }

  @Test
  void under_a_security_manager_nothing_is_thrown() throws Exception {
    assumeTrue(Jvm.version() < 18, "newer JVMs have none, or forbid it by default");
    String grants = "";
    for (String grant :
        List.of(
            "",
            "permission java.util.PropertyPermission \"*\", \"read\";",
            "permission java.lang.RuntimePermission \"getenv.*\";",
            "permission java.lang.RuntimePermission \"getStackWalkerWithClassReference\";",
            "permission java.lang.RuntimePermission \"shutdownHooks\";")) {
      grants += grant;
      Path policy = Files.writeString(folder.resolve("policy"), "grant {" + grants + "};");
      Jvm jvm = new Jvm();
      jvm.arguments.addAll(List.of("-Djava.security.manager", "-Djava.security.policy==" + policy));
      String reason = expectUnavailable(jvm, "").get(1);
      assertTrue(reason.contains("access denied"), reason);
    }
  }

  @Test
  void the_bundled_library_is_found_in_a_folder_and_in_a_jar() throws Exception {
    Path name = Path.of("linux-x86-64/libpact_telemetry.so");
    Path real = Path.of(System.getenv("PACT_TELEMETRY_LIBRARY"));
    Path classes = folder.resolve("classes");
    Files.createDirectories(classes.resolve(name).getParent());
    Files.copy(real, classes.resolve(name));
    Path jar = folder.resolve("bundle.jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry(name.toString()));
      Files.copy(real, out);
    }
    Path unpacked = Files.createDirectory(folder.resolve("tmp"));
    for (Path bundle : List.of(classes, jar)) {
      try (Collector collector = new Collector()) {
        Jvm jvm = new Jvm().nativeAccess().reportingTo(collector);
        jvm.with("PACT_TELEMETRY_LIBRARY", "");
        jvm.arguments.add("-Djava.io.tmpdir=" + unpacked);
        Jvm.Ended ended =
            jvm.start(
                List.of(
                    "-cp",
                    Jvm.classPath() + File.pathSeparator + bundle,
                    Program.class.getName(),
                    "halts"));
        assertEquals("OK\nfalse\n", ended.out(), ended.err());
        assertNotNull(collector.next());
      }
    }
    try (var left = Files.walk(unpacked)) {
      assertEquals(List.of(), left.filter(it -> it.toString().endsWith(".so")).toList());
    }
  }

  @Test
  void another_folder_is_used_if_the_temporary_folder_is_mounted_noexec() throws Exception {
    Path jar = folder.resolve("bundle.jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry("linux-x86-64/libpact_telemetry.so"));
      Files.copy(Path.of(System.getenv("PACT_TELEMETRY_LIBRARY")), out);
    }
    Path noexec = Files.createDirectory(folder.resolve("noexec"));
    String mount = "mount -t tmpfs -o noexec none '" + noexec + "'";
    assumeTrue(
        new ProcessBuilder("unshare", "--mount", "sh", "-c", mount).start().waitFor() == 0,
        "not run: this user may not mount a file system");
    try (Collector collector = new Collector()) {
      Jvm jvm = new Jvm().nativeAccess().reportingTo(collector);
      jvm.with("PACT_TELEMETRY_LIBRARY", "").with("XDG_CACHE_HOME", folder + "/cache");
      jvm.prefix.addAll(List.of("unshare", "--mount", "sh", "-c", mount + " && exec \"$@\"", "sh"));
      jvm.arguments.add("-Djava.io.tmpdir=" + noexec);
      Jvm.Ended ended =
          jvm.start(
              List.of(
                  "-cp",
                  Jvm.classPath() + File.pathSeparator + jar,
                  Program.class.getName(),
                  "halts"));
      assertEquals("OK\nfalse\n", ended.out(), ended.err());
      assertNotNull(collector.next());
    }
    try (var left = Files.walk(folder.resolve("cache"))) {
      assertEquals(List.of(), left.filter(it -> it.toString().contains("pact")).toList());
    }
  }

  @Test
  void a_client_that_requires_native_access_causes_no_warning() throws Exception {
    assumeTrue(Jvm.version() >= 24, "older versions of Java print no such warning");
    Jvm jvm = new Jvm();
    jvm.with("PACT_DO_NOT_TRACK", "");
    Jvm.Ended ended = jvm.start(List.of("-cp", Jvm.classPath(), QuietProgram.class.getName()));
    assertEquals(
        "UNAVAILABLE\nthe JVM denies native access; "
            + "start it with --enable-native-access=ALL-UNNAMED\n",
        ended.out());
    assertEquals("", ended.err());
  }

  @Test
  void an_opted_out_process_loads_no_library_and_starts_no_thread() throws Exception {
    try (Collector collector = new Collector()) {
      for (String variable : List.of("PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK")) {
        expectNothing(new Jvm().reportingTo(collector).with(variable, "1"));
      }
      Jvm byProperty = new Jvm().reportingTo(collector);
      byProperty.arguments.add("-Dpact_do_not_track=yes");
      expectNothing(byProperty);
      assertNull(collector.next(100L));
    }
  }

  private static void expectNothing(Jvm jvm) throws Exception {
    Jvm.Ended ended = jvm.run("is off");
    assertEquals("DISABLED\nfalse\nOK\nOptional.empty\nDISABLED\n1\nfalse\n[]\nOK\n", ended.out());
    // The JVM prints no warning about native access, because nothing was loaded.
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
  }

  @Test
  void where_native_access_is_denied_the_client_says_how_to_grant_it() throws Exception {
    assumeTrue(Jvm.version() >= 24, "only newer JVMs deny it");
    Jvm jvm = new Jvm();
    jvm.arguments.add("--illegal-native-access=deny");
    Jvm.Ended ended = jvm.run("asks");
    assertTrue(
        ended
            .out()
            .contains(
                "the JVM denies native access; start it with --enable-native-access=ALL-UNNAMED"),
        ended.out());
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
  }

  @Test
  void where_only_jna_has_native_access_it_makes_the_calls() throws Exception {
    assumeTrue(Jvm.version() >= 24, "only newer JVMs deny it");
    Path jna = Jvm.jarOf(com.sun.jna.Native.class);
    Jvm jvm = new Jvm();
    jvm.arguments.addAll(
        List.of("--illegal-native-access=deny", "--enable-native-access=com.sun.jna"));
    Path tests = Jvm.jarOf(Program.class);
    Jvm.Ended ended =
        jvm.start(
            List.of(
                "-p",
                String.join(File.pathSeparator, Jvm.jar().toString(), jna.toString(), natives()),
                "--add-modules=ALL-MODULE-PATH",
                "--patch-module",
                "au.com.dius.pact.telemetry=" + tests,
                "-m",
                "au.com.dius.pact.telemetry/" + Program.class.getName(),
                "explains"));
    assertTrue(ended.out().contains("\"foreign_calls\":\"jna\""), ended.toString());
  }

  private static String natives() {
    return Stream.of(Jvm.classPath().split(File.pathSeparator))
        .filter(entry -> entry.contains("telemetry-natives"))
        .findFirst()
        .get();
  }
}
