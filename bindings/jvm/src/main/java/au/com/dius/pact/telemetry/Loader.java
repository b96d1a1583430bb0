package au.com.dius.pact.telemetry;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds the native library, in the order of the README, and opens it. */
final class Loader {
  /** The variable that names the library's file. If it is set, nothing else is tried. */
  static final String VARIABLE = "PACT_TELEMETRY_LIBRARY";

  private Loader() {}

  /** The library, or the reason why there is none. Never throws. */
  static Library load(Map<String, String> environment) {
    try {
      String given = environment.get(VARIABLE);
      return given != null && !given.isBlank() ? loadFrom(given) : search(environment);
    } catch (Throwable failure) {
      return Library.missing(messageOf(failure));
    }
  }

  private static Library loadFrom(String given) {
    try {
      // Checked first, because JNA would look elsewhere for a file that does not exist.
      Path path = Path.of(given).toAbsolutePath();
      if (!Files.isRegularFile(path)) {
        throw new IOException("there is no such file");
      }
      return Library.of(Backends.open(path.toString()));
    } catch (Throwable failure) {
      return Library.missing(VARIABLE + "=" + given + ": " + messageOf(failure));
    }
  }

  private static Library search(Map<String, String> environment) {
    List<String> reasons = new ArrayList<>();
    Platform platform = Platform.current();
    if (platform.folder() == null) {
      // The system is not asked either, since even that makes newer JVMs print a warning.
      return Library.missing(
          "there is no library for "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch")
              + "; "
              + VARIABLE
              + " may name one");
    }
    String name = platform.folder() + "/" + platform.file();
    try {
      URL url = resource(name);
      if (url != null) {
        return Library.of(openBundled(url, platform.file(), environment));
      }
      reasons.add("there is no " + name + " on the class path (telemetry-natives has it)");
    } catch (Throwable failure) {
      reasons.add(name + ": " + messageOf(failure));
    }
    try {
      return Library.of(Backends.open(platform.installed()));
    } catch (Throwable failure) {
      reasons.add("the system's " + platform.installed() + ": " + messageOf(failure));
    }
    return Library.missing(String.join("; ", reasons));
  }

  /** Asks the class loader instead of the class, because the natives are a separate module. */
  private static @Nullable URL resource(String name) {
    ClassLoader loader = Loader.class.getClassLoader();
    return loader == null ? ClassLoader.getSystemResource(name) : loader.getResource(name);
  }

  private static Backend openBundled(URL url, String file, Map<String, String> environment)
      throws IOException, URISyntaxException {
    return url.getProtocol().equals("file")
        ? Backends.open(Path.of(url.toURI()).toString())
        : Unpacker.open(url, file, Unpacker.places(environment));
  }

  /** What a failure says, or what its cause says: that of a class's initializer says nothing. */
  static String messageOf(Throwable failure) {
    String message = failure.getMessage();
    Throwable cause = failure.getCause();
    if (message == null && cause != null) {
      return messageOf(cause);
    }
    return message == null ? failure.toString() : message;
  }
}
