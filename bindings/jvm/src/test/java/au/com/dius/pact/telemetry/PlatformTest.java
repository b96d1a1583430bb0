package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PlatformTest {
  @Test
  void each_supported_platform_has_its_folder() {
    assertEquals("linux-x86-64", Platform.of("linux", "amd64", false).folder());
    assertEquals("linux-aarch64", Platform.of("linux", "aarch64", false).folder());
    assertEquals("linux-x86-64-musl", Platform.of("linux", "amd64", true).folder());
    assertEquals("linux-aarch64-musl", Platform.of("linux", "aarch64", true).folder());
    assertEquals("darwin-x86-64", Platform.of("mac os x", "x86_64", false).folder());
    assertEquals("darwin-aarch64", Platform.of("mac os x", "aarch64", false).folder());
    assertEquals("win32-x86-64", Platform.of("windows 11", "amd64", false).folder());
    for (String[] other :
        new String[][] {
          {"linux", "s390x"}, {"linux", "i386"}, {"windows 11", "aarch64"}, {"sunos", "amd64"}
        }) {
      assertEquals(null, Platform.of(other[0], other[1], false).folder());
    }
    assertEquals("pact_telemetry.dll", Platform.of("windows 11", "amd64", false).file());
    assertEquals("libpact_telemetry.dylib", Platform.of("mac os x", "aarch64", false).file());
  }

  @Test
  void a_glibc_process_is_not_taken_for_musl() throws Exception {
    assertFalse(Platform.isMusl(Path.of("/proc/self/maps")));
    assertFalse(Platform.isMusl(Path.of("/none")));
  }

  @Test
  @Timeout(30)
  void a_musl_process_is_recognised_by_its_maps() throws Exception {
    Path loader = Path.of("/lib/ld-musl-x86_64.so.1");
    assumeTrue(Files.exists(loader), "not run: musl is not installed (Debian: musl, musl-tools)");
    Path source = Files.writeString(Files.createTempFile("waits", ".c"), WAITS);
    Path program = Path.of(source + ".out");
    List<String> compile = List.of("musl-gcc", "-o", program.toString(), source.toString());
    assumeTrue(run(compile) == 0, "not run: there is no musl-gcc (Debian: musl-tools)");
    Process process = new ProcessBuilder(program.toString()).start();
    try {
      assertEquals(
          '.', process.getInputStream().read()); // It is running, so its maps are complete.
      assertTrue(Platform.isMusl(Path.of("/proc/" + process.pid() + "/maps")));
    } finally {
      process.destroy();
      Files.deleteIfExists(program);
      Files.deleteIfExists(source);
    }
  }

  private static final String WAITS =
      """
      #include <unistd.h>
      int main(void) { char c = '.'; write(1, &c, 1); return (int)read(0, &c, 1); }
      """;

  private static int run(List<String> command) throws InterruptedException {
    try {
      return new ProcessBuilder(command).inheritIO().start().waitFor();
    } catch (java.io.IOException notThere) {
      return 127;
    }
  }
}
