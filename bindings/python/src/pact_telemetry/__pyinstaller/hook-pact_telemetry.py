"""Run only by PyInstaller: adds the library to a frozen program, in the same folder as in this package."""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore

binaries = collect_dynamic_libs("pact_telemetry")
