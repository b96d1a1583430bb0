"""The gem: how it is made, and how it is tried in an empty project."""

from shared import PACKAGES, VERSION, NotThere, clean, copy, need, package, place, run, send

RUBY = """
require "pact_telemetry"
PactTelemetry::Client.open(library: { id: "tried-ruby", name: "Tried", version: "1" }) do |telemetry|
  puts [telemetry.pacts_verified(7), telemetry.unavailable_reason, telemetry.flush(timeout_ms: 10_000)].join(" ")
  puts File.read("/proc/self/maps")
end
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.gem"]


def pack():
    need("gem", "ruby")
    work = copy("ruby", "native")
    run("gem", "build", "--strict", "pact-telemetry.gemspec", cwd=work)
    (made,) = work.glob("*.gem")
    return place(made, PACKAGES / f"pact-telemetry-{VERSION.replace('-', '.')}.gem")


def try_in(collector, project):
    packed = package("*.gem")
    need("gem", "ruby")
    environment = {**clean(), "GEM_HOME": str(project / "gems")}
    environment.pop("GEM_PATH", None)  # then the system's gems are found, too: ffi is one
    has_ffi = "print Gem::Specification.find_all_by_name('ffi').any?"
    if run("ruby", "-e", has_ffi, cwd=project, environment=environment) != "true":
        raise NotThere("there is no gem ffi (Debian: ruby-ffi)")
    run("gem", "install", "--local", "--no-document", packed, cwd=project, environment=environment)
    (project / "tried.rb").write_text(RUBY)
    return packed, send(collector, project, "ruby", "ruby", "tried.rb", GEM_HOME=environment["GEM_HOME"])
