"""Run by PyInstaller alone: a frozen program takes the library along, in the folder that it has in this package."""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore

binaries = collect_dynamic_libs("pact_telemetry")
