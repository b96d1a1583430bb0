"""Tells PyInstaller, by an entry point, where the hook is that adds the library to a frozen program."""

from __future__ import annotations

import os


def get_hook_dirs() -> list[str]:
    """Return the folder of the hook."""
    return [os.path.dirname(__file__)]
