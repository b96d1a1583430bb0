package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderTest {
  @TempDir Path folder;

  private static String reasonFor(Path library) {
    return Library.load(Map.of("PACT_TELEMETRY_LIBRARY", library.toString())).unavailable();
  }

  @Test
  void a_library_that_is_not_there_is_a_reason() {
    Path missing = folder.resolve("missing.so");
    assertEquals(
        "PACT_TELEMETRY_LIBRARY=" + missing + ": there is no such file", reasonFor(missing));
  }

  @Test
  void a_file_that_is_no_library_is_a_reason() throws Exception {
    Path text = Files.writeString(folder.resolve("text.so"), "I am no library");
    assertTrue(reasonFor(text).startsWith("PACT_TELEMETRY_LIBRARY=" + text + ": "));
  }

  @Test
  void a_library_for_another_machine_is_a_reason() throws Exception {
    ByteBuffer elf = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    elf.putShort(16, (short) 3); // a shared object
    elf.putShort(18, (short) 243); // for RISC-V
    elf.putInt(20, 1);
    Path other = Files.write(folder.resolve("other.so"), elf.array());
    assertTrue(reasonFor(other).startsWith("PACT_TELEMETRY_LIBRARY=" + other + ": "));
  }

  @Test
  void a_library_of_another_abi_is_a_reason() throws Exception {
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
    assertEquals(
        "PACT_TELEMETRY_LIBRARY=" + stub + ": it has ABI version 2, and 1 is needed",
        reasonFor(stub));
  }

  @Test
  void without_a_variable_all_places_are_named() {
    // In the source tree nothing is bundled; an installed library would be found.
    Library library = Library.load(Map.of());
    assumeTrue(library.unavailable() != null);
    assertTrue(
        library
            .unavailable()
            .startsWith(
                "this package has no native/linux-x86_64/libpact_telemetry.so; "
                    + "the system's libpact_telemetry.so.1: "),
        library.unavailable());
  }

  @Test
  void a_client_without_a_library_does_nothing_and_says_why() throws Exception {
    Path missing = folder.resolve("missing.so");
    Jvm.Ended ended = new Jvm().with("PACT_TELEMETRY_LIBRARY", missing.toString()).run("asks");
    String reason = "PACT_TELEMETRY_LIBRARY=" + missing + ": there is no such file";
    List<String> lines = ended.out().lines().toList();
    assertEquals(List.of(reason, "UNAVAILABLE", "OK", "false", "UNAVAILABLE"), lines.subList(0, 5));
    for (String answer : lines.subList(5, 8)) {
      assertTrue(answer.startsWith("{\"enabled\":false,\"unavailable\":\"" + reason), answer);
    }
    assertEquals(List.of("OK", "CLOSED"), lines.subList(8, 10));
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
  }

  @Test
  void the_bundled_library_is_found_in_a_folder_and_in_a_jar() throws Exception {
    Path name = Path.of("native/linux-x86_64/libpact_telemetry.so");
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
                    "returns"));
        assertEquals("OK\n", ended.out(), ended.err());
        assertNotNull(collector.next());
      }
    }
    try (var left = Files.walk(unpacked)) {
      assertEquals(List.of(), left.filter(it -> it.toString().endsWith(".so")).toList());
    }
  }

  @Test
  void an_opted_out_process_loads_nothing_and_starts_nothing() throws Exception {
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
    assertEquals("DISABLED\nfalse\nOK\nOptional.empty\nfalse\n[]\nOK\n", ended.out());
    // A JVM that would warn of native access has no reason to, as nothing was loaded.
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
  }

  @Test
  void where_native_access_is_denied_the_client_says_how_to_give_it() throws Exception {
    assumeTrue(Jvm.version() >= 24, "only newer JVMs deny it");
    Jvm jvm = new Jvm();
    jvm.arguments.add("--illegal-native-access=deny");
    Jvm.Ended ended = jvm.run("asks");
    assertTrue(
        ended
            .out()
            .lines()
            .findFirst()
            .get()
            .endsWith(
                "the JVM denies native access; start it with --enable-native-access=ALL-UNNAMED"),
        ended.out());
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
  }

  @Test
  void where_only_jna_may_make_foreign_calls_it_does() throws Exception {
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
                Jvm.jar() + File.pathSeparator + jna,
                "--add-modules=ALL-MODULE-PATH",
                "--patch-module",
                "au.com.dius.pact.telemetry=" + tests,
                "-m",
                "au.com.dius.pact.telemetry/" + Program.class.getName(),
                "explains"));
    assertTrue(ended.out().startsWith("{\"jvm\":{\"foreign_calls\":\"jna\","), ended.toString());
  }
}
