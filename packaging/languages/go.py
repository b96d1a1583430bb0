"""The Go module: how it is made, and how it is tried in an empty project."""

import re
import shutil
import zipfile

from shared import GO_MODULE, PACKAGES, VERSION, Failed, NotThere, clean, copy, need, package, run, send

GO = """package tried

import (
	"fmt"
	"os"
	"testing"

	telemetry "%s"
)

func TestTried(t *testing.T) {
	client := telemetry.New(telemetry.Options{Library: telemetry.Library{ID: "tried-go", Name: "Tried", Version: "1"}})
	fmt.Println(client.PactsVerified(7), client.UnavailableReason(), client.Close())
	maps, _ := os.ReadFile("/proc/self/maps")
	fmt.Println(string(maps))
}
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = [f"go/{GO_MODULE}/@v/*"]


def pack():
    # No tool of Go's is needed: a module is a zip, and this folder is a module proxy (GOPROXY=file://…/go).
    work = copy("go", "native")
    if f"module {GO_MODULE}" not in (work / "go.mod").read_text().splitlines():
        raise Failed(f"go.mod does not name the module {GO_MODULE}")
    versions = PACKAGES / "go" / GO_MODULE / "@v"
    shutil.rmtree(PACKAGES / "go", ignore_errors=True)
    versions.mkdir(parents=True)
    package = versions / f"v{VERSION}.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in work.rglob("*") if path.is_file()):
            name = f"{GO_MODULE}@v{VERSION}/{path.relative_to(work).as_posix()}"
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)
    shutil.copyfile(work / "go.mod", versions / f"v{VERSION}.mod")
    (versions / f"v{VERSION}.info").write_text(f'{{"Version":"v{VERSION}","Time":"2026-01-01T00:00:00Z"}}\n')
    (versions / "list").write_text(f"v{VERSION}\n")
    return package


def try_in(collector, project):
    packed = package(f"go/{GO_MODULE}/@v/*.zip")
    need("go", "cc")
    version = re.search(r"go(\d+)\.(\d+)", run("go", "version", cwd=project, GOTOOLCHAIN="local"))
    if (int(version.group(1)), int(version.group(2))) < (1, 24):
        raise NotThere(f"there is no Go 1.24 or later, but {version.group()}")
    settings = {
        "GOPROXY": (PACKAGES / "go").as_uri(),
        "GOSUMDB": "off",
        "GOENV": "off",
        "GOWORK": "off",
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOMODCACHE": str(project / "modules"),
        "CGO_ENABLED": "1",
    }
    (project / "go.mod").write_text("module example.org/tried\n\ngo 1.24.0\n")
    (project / "tried_test.go").write_text(GO % GO_MODULE)
    run("go", "get", f"{GO_MODULE}@v{VERSION}", cwd=project, environment=clean(), **settings)
    return packed, send(collector, project, "go", "go", "test", "-count=1", "-v", ".", **settings)
