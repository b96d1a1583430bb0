package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A container that loads the package for each application, and uses it on the container's threads.
 */
class ReloadTest {
  private static final int ROUNDS = 4;

  private final Collector collector = new Collector();
  private final ExecutorService pool = Executors.newFixedThreadPool(1);

  @AfterEach
  void stop() {
    collector.close();
    pool.shutdownNow();
  }

  @Test
  @Timeout(60)
  void the_class_loader_of_a_closed_client_is_collected() throws Exception {
    // A thread of JNA keeps the class loader that first used JNA for 30 seconds.
    expectAlive(Jvm.version() >= 22 ? 0 : 1, true);
  }

  @Test
  @Timeout(60)
  void the_class_loader_of_an_open_client_is_collected() throws Exception {
    assumeTrue(Jvm.version() >= 22, "JNA keeps the methods of a class until they are unregistered");
    expectAlive(0, false);
  }

  private void expectAlive(int most, boolean close) throws Exception {
    try (URLClassLoader parent =
        new URLClassLoader(
            new URL[] {url(com.sun.jna.Native.class)}, ClassLoader.getPlatformClassLoader())) {
      List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
      for (int i = 0; i < ROUNDS; i++) {
        loaders.add(pool.submit(() -> useOnce(parent, close)).get());
      }
      assertEquals(ROUNDS, collector.next(ROUNDS).size());
      long alive = ROUNDS;
      for (int tries = 0; tries < 100 && alive > most; tries++) {
        System.gc();
        Thread.sleep(20);
        alive = loaders.stream().filter(loader -> loader.get() != null).count();
      }
      assertTrue(alive <= most, alive + " class loaders were not collected");
    }
  }

  private WeakReference<ClassLoader> useOnce(ClassLoader parent, boolean close) throws Exception {
    try (URLClassLoader loader = new URLClassLoader(new URL[] {url(Telemetry.class)}, parent)) {
      Class<?> type = loader.loadClass(Telemetry.class.getName());
      assertTrue(type != Telemetry.class);
      Object telemetry = build(type);
      type.getMethod("explain").invoke(telemetry);
      Object outcome = type.getMethod("pactsVerified", long.class).invoke(telemetry, 1L);
      assertEquals("OK", outcome.toString());
      type.getMethod("flush").invoke(telemetry);
      if (close) {
        type.getMethod("close").invoke(telemetry);
      }
      return new WeakReference<>(loader);
    }
  }

  private Object build(Class<?> type) throws Exception {
    Object builder = type.getMethod("builder").invoke(null);
    Class<?> options = builder.getClass();
    options
        .getMethod("library", String.class, String.class, String.class)
        .invoke(builder, "pact-jvm", "Pact JVM", "1");
    for (String[] option :
        new String[][] {
          {"endpoint", collector.url},
          {"state_dir", collector.state.toString()},
          {"measurement_id", "G-1"},
          {"api_secret", "s"}
        }) {
      options.getMethod("option", String.class, Object.class).invoke(builder, option[0], option[1]);
    }
    return options.getMethod("build").invoke(builder);
  }

  private static URL url(Class<?> type) throws MalformedURLException {
    return Jvm.jarOf(type).toUri().toURL();
  }
}
