"""Adds what only a wheel with a library has: the tag of its platform, and a bill of materials."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BILL = "pact_telemetry.cdx.json"


class LibraryOfOnePlatform(BuildHookInterface[Any]):
    """Without native/ the wheel is `py3-none-any`. With it, the environment or this machine gives the platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Set the tag and the bill of materials, except for an editable install."""
        if version == "editable" or not (Path(self.root) / "src/pact_telemetry/native").is_dir():
            return
        here = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        platform = os.environ.get("PACT_TELEMETRY_WHEEL_PLATFORM") or here
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        if (Path(self.root) / BILL).exists():
            build_data["sbom_files"].append(BILL)
