"""Tells the errors of this package's own work from exceptions that the program raised into it."""

from __future__ import annotations

import ctypes

_OWN = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, OSError, RecursionError, TypeError),
    *(ValueError, ctypes.ArgumentError),
)
_OWN_MODULES = frozenset(("builtins", "ctypes", "json.decoder"))


def is_own(error: Exception) -> bool:
    """Return whether a wrong argument, a library that cannot be used or lack of memory may have raised it.

    Any other exception comes from a signal handler, or from another thread (`PyThreadState_SetAsyncExc`), as a time
    limit of a test does. It is for the program, so it must be raised again.
    """
    kind = type(error)
    return isinstance(error, _OWN) and kind.__module__ in _OWN_MODULES and kind is not TimeoutError
