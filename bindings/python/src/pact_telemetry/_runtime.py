"""What this process tells of itself. Only looks: nothing is imported, started or read from disk."""

from __future__ import annotations

import os
import sys


def platform_version() -> str:
    """Return such as "Python 3.11.4"."""
    return "Python {}.{}.{}".format(*sys.version_info)


def test_framework() -> str | None:
    """Return the framework that runs this process, if any is to be seen."""
    main = sys.modules.get("__main__")
    package = getattr(main, "__package__", None)
    if _pytest_runs(package, getattr(main, "__file__", None)):
        return "pytest"
    if package == "unittest":
        return "unittest"
    return None


def _pytest_runs(package: str | None, file: str | None) -> bool:
    # A program may have imported pytest for a helper, and a program that a test started inherits the variables:
    # neither alone says that pytest runs here.
    return "pytest" in sys.modules and (
        "PYTEST_VERSION" in os.environ
        or "PYTEST_CURRENT_TEST" in os.environ
        or package == "pytest"
        or os.path.basename(file or "") in ("pytest", "py.test")
    )
