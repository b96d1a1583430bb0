"""Conan 2 recipe of the C++ package. It was not run yet. The package contains binaries, so nothing is built here."""

from conan import ConanFile
from conan.tools.files import copy, get


class PactTelemetry(ConanFile):
    name = "pact_telemetry"
    version = "1.0.0-alpha.1"
    description = "Anonymous usage events of the Pact libraries, for C++17 and later"
    license = "MIT"
    url = "https://github.com/pact-foundation/pact-telemetry"
    package_type = "header-library"  # the archive has the libraries of all platforms, and CMake chooses
    no_copy_source = True

    def source(self):
        archive = f"{self.url}/releases/download/v{self.version}/pact_telemetry-cpp-{self.version}.tar.gz"
        get(self, archive, sha256="of the published archive", strip_root=True)

    def package(self):
        copy(self, "*", src=self.source_folder, dst=self.package_folder)

    def package_info(self):
        # CMake uses the package's own files instead of files that Conan generates.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/pact_telemetry"]
