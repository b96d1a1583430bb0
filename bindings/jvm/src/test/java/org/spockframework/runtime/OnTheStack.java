package org.spockframework.runtime;

import java.util.function.Supplier;

/** A class in this framework's package, which a test puts on the stack. */
public final class OnTheStack {
  private OnTheStack() {}

  public static <T> T call(Supplier<T> test) {
    return test.get();
  }
}
