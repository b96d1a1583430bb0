package example;

import org.junit.jupiter.api.Test;

class TwoTest {
  @Test
  void reports() {
    Report.one(2);
  }
}
