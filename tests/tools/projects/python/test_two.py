import unittest

from report import report


class Two(unittest.TestCase):
    def test_reports(self) -> None:
        report(2)
        self.fail("what a tool captured is printed where a test fails")
