package au.com.dius.pact.telemetry;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Opens a library that is inside a jar. The system's loader needs a file, in a folder from which
 * code may be run: several folders are tried until one works. The file is put into a new folder
 * that only this user can access, and is removed once it is loaded.
 */
final class Unpacker {
  private static final String PREFIX = "pact-telemetry-";

  private Unpacker() {}

  static Backend open(URL library, String file, List<Path> places) throws IOException {
    List<String> reasons = new ArrayList<>();
    for (Path place : places) {
      try {
        return openIn(place, library, file);
      } catch (IOException | RuntimeException | LinkageError failure) {
        reasons.add("in " + place + ": " + Loader.messageOf(failure));
      }
    }
    throw new IOException(String.join(", ", reasons));
  }

  private static Backend openIn(Path place, URL library, String file) throws IOException {
    removeLeftovers(place);
    Files.createDirectories(place);
    Path folder = Files.createTempDirectory(place, PREFIX); // of mode 0700
    Path unpacked = folder.resolve(file);
    try {
      try (InputStream in = library.openStream()) {
        Files.copy(in, unpacked);
      }
      return Backends.open(unpacked.toString());
    } finally {
      remove(folder);
    }
  }

  private static void remove(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException inUse) {
      // Windows keeps the file of a loaded library; a later process removes it.
      return;
    }
  }

  /** On Windows, removes the files of earlier processes, except of those that still run. */
  private static void removeLeftovers(Path place) {
    if (File.separatorChar != '\\') {
      return;
    }
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(place, PREFIX + "*")) {
      folders.forEach(Unpacker::remove);
    } catch (IOException unreadable) {
      return;
    }
  }

  /** The folders to try: the temporary folder, JNA's own cache, and others that systems have. */
  static List<Path> places(Map<String, String> environment) {
    Set<Path> places = new LinkedHashSet<>();
    add(places, System.getProperty("java.io.tmpdir"));
    String home = System.getProperty("user.home");
    String jna = System.getProperty("jna.tmpdir");
    String cache = environment.get("XDG_CACHE_HOME");
    if (jna != null && !jna.isBlank()) {
      add(places, jna);
    } else if (System.getProperty("os.name").startsWith("Mac")) {
      add(places, home, "Library/Caches/JNA/temp");
    } else if (cache != null && !cache.isBlank()) {
      add(places, cache, "JNA/temp");
    } else {
      add(places, home, ".cache/JNA/temp");
    }
    add(places, environment.get("XDG_RUNTIME_DIR"));
    if (File.separatorChar == '/') {
      add(places, "/var/tmp");
      add(places, "/dev/shm");
    }
    return List.copyOf(places);
  }

  private static void add(Set<Path> places, @Nullable String folder, String... rest) {
    if (folder != null && !folder.isBlank() && Path.of(folder).isAbsolute()) {
      places.add(Path.of(folder, rest));
    }
  }
}
