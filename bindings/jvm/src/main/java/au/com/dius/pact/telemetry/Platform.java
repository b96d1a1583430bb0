package au.com.dius.pact.telemetry;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The system that this JVM runs on.
 *
 * @param folder the folder of its library in the jar of natives, as JNA names it; null if there is
 *     no library for it
 * @param file the name of the library's file in that folder
 * @param installed the name by which the system's loader finds an installed library
 */
record Platform(@Nullable String folder, String file, String installed) {
  private static final Path MAPS = Path.of("/proc/self/maps");

  static Platform current() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch");
    return of(os, arch, os.equals("linux") && isMusl(MAPS));
  }

  static Platform of(String os, String arch, boolean musl) {
    String cpu =
        switch (arch) {
          case "amd64", "x86_64" -> "x86-64";
          case "aarch64" -> "aarch64";
          default -> null;
        };
    if (os.startsWith("windows")) {
      String folder = "x86-64".equals(cpu) ? "win32-x86-64" : null;
      return new Platform(folder, "pact_telemetry.dll", "pact_telemetry.dll");
    }
    if (os.startsWith("mac")) {
      String folder = cpu == null ? null : "darwin-" + cpu;
      return new Platform(folder, "libpact_telemetry.dylib", "libpact_telemetry.1.dylib");
    }
    String folder = cpu == null || !os.equals("linux") ? null : "linux-" + cpu;
    return new Platform(
        folder == null || !musl ? folder : folder + "-musl",
        "libpact_telemetry.so",
        "libpact_telemetry.so.1");
  }

  /**
   * Whether musl is the C library of the process. If so, musl is mapped under a name that glibc
   * never has: {@code ld-musl-x86_64.so.1}, or {@code libc.so} where that is a link, as on Debian.
   * It is not enough that musl is installed.
   */
  static boolean isMusl(Path maps) {
    try (BufferedReader lines = Files.newBufferedReader(maps, StandardCharsets.ISO_8859_1)) {
      for (String line; (line = lines.readLine()) != null; ) {
        if (line.contains("/ld-musl-") || line.endsWith("/libc.so")) {
          return true;
        }
      }
    } catch (IOException unreadable) {
      return false;
    }
    return false;
  }

  boolean isWindows() {
    return file.endsWith(".dll");
  }
}
