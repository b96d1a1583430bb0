"""The npm package: how it is made, and how it is tried in an empty project."""

from shared import PACKAGES, VERSION, clean, copy, need, package, place, run, send

JS = """
import { readFileSync } from 'node:fs';
import { TelemetryClient } from '@pact-foundation/telemetry';
const telemetry = new TelemetryClient({ library: { id: 'tried-js', name: 'Tried', version: '1' } });
console.log(telemetry.pactsVerified(7), telemetry.unavailableReason ?? '', await telemetry.close(10000));
console.log(readFileSync('/proc/self/maps', 'utf8'));
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.tgz"]


def pack():
    need("npm", "node")
    work = copy("js", "native")
    run("npm", "pack", "--ignore-scripts", "--loglevel=error", cwd=work)
    (made,) = work.glob("*.tgz")
    return place(made, PACKAGES / f"pact-foundation-telemetry-{VERSION}.tgz")


def try_in(collector, project):
    packed = package("*.tgz")
    need("npm", "node")
    (project / "package.json").write_text('{"private": true, "type": "module"}\n')
    # Without scripts, as careful people install: what koffi needs is in a package of its own.
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run("npm", "install", *options, packed, cwd=project, environment=clean())
    (project / "tried.js").write_text(JS)
    return packed, send(collector, project, "js", "node", "tried.js")
