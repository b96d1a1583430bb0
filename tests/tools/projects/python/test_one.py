import unittest

from report import report


class One(unittest.TestCase):
    def test_reports(self) -> None:
        report(1)
