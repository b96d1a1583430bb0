"""Finds the Python version and the test framework of this process. Imports, starts and reads nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

# Frameworks by the package that Python runs (`python -m behave`), or by the name of the program.
_FRAMEWORKS = {
    "pytest": "pytest",
    "py.test": "pytest",
    "unittest": "unittest",
    "behave": "behave",
    "nose2": "nose2",
    "robot": "Robot Framework",
}


def platform_version() -> str:
    """Return the version, such as "Python 3.11.4" or "PyPy 7.3.17"."""
    name, version = sys.implementation.name, sys.implementation.version
    called = {"cpython": "Python", "pypy": "PyPy", "graalpy": "GraalPy"}.get(name, name)
    return f"{called} {version.major}.{version.minor}.{version.micro}"


def test_framework() -> str | None:
    """Return the framework that runs this process, or None if none is recognised."""
    if _pytest_runs():
        return "pytest"
    main = sys.modules.get("__main__")
    package = (getattr(main, "__package__", None) or "").partition(".")[0]
    program = os.path.basename(getattr(main, "__file__", None) or "")
    for name in (package, program.removesuffix(".exe").removesuffix("-script.py")):
        if name in _FRAMEWORKS:
            return _FRAMEWORKS[name]
    return "unittest" if _unittest_calls() else None


def _pytest_runs() -> bool:
    # A program may import pytest only to use a function of it, and a program that a test started inherits the
    # variables. So neither alone shows that pytest runs here.
    if "pytest" not in sys.modules:
        return False
    if "PYTEST_VERSION" in os.environ or "PYTEST_CURRENT_TEST" in os.environ:
        return True
    return os.path.basename(sys.argv[0] if sys.argv else "") in ("pytest", "py.test") or _main_is_pytest()


def _main_is_pytest() -> bool:
    return getattr(sys.modules.get("__main__"), "__package__", None) == "pytest"


def _unittest_calls() -> bool:
    """Return whether unittest called this code. Another program may run unittest, such as Django's manage.py."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "unittest":
            return True
        frame = frame.f_back
    return False
