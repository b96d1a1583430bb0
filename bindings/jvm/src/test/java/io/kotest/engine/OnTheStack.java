package io.kotest.engine;

import java.util.function.Supplier;

/** Stands where this framework's classes stand on the stack of a test. */
public final class OnTheStack {
  private OnTheStack() {}

  public static <T> T call(Supplier<T> test) {
    return test.get();
  }
}
