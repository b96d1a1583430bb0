"""The gems: one for each platform, and a small one for any, which carries no library; how they are made and tried."""

import contextlib
import functools
import http.server
import io
import re
import shutil
import tarfile
import threading

from shared import (
    PACKAGES,
    PLATFORMS,
    ROOT,
    VERSION,
    Failed,
    NotThere,
    clean,
    copy_sources,
    documents,
    natives,
    need,
    package,
    place,
    placeholders,
    run,
    send,
    this_platform,
)

GEM_VERSION = VERSION.replace("-", ".")  # RubyGems takes a part with letters for a pre-release
EVENT = "telemetry.pacts_verified(7), telemetry.unavailable_reason, telemetry.flush(timeout: 10)"
RUBY = f"""
require "pact_telemetry"
PactTelemetry::Client.open(library: {{ id: "tried-ruby", name: "Tried", version: "1" }}) do |telemetry|
  puts [{EVENT}].join(" ")
  puts File.read("/proc/self/maps")
end
"""
ANSWERS = "p [telemetry.pacts_verified(7), telemetry.unavailable_reason, telemetry.explain[:state], telemetry.close]"
SILENT = f"""
require "pact_telemetry"
telemetry = PactTelemetry::Client.new(library: {{ id: "tried-ruby", name: "Tried", version: "1" }})
{ANSWERS}
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.gem"]

# RubyGems has no library for these, so the gem for any platform is what it installs there.
OTHERS = ["x86_64-freebsd", "riscv64-linux-gnu", "java"]


def pack():
    need("gem", "ruby")
    return pack_into(PACKAGES, natives())


def pack_into(folder, libraries):
    """Makes the gems of these platforms and the one for any: {path: [the platforms whose library it carries]}."""
    made = {build(folder, None, None): []}
    for name, library in libraries.items():
        made[build(folder, PLATFORMS[name], library)] = [name]
    return made


def build(folder, platform, library):
    """Makes one gem; without a platform the one for any."""
    work = copy_sources("ruby")
    documents(work, native=platform is not None)
    suffix, environment = "", {}
    if platform:
        inside = work / "native" / platform.name
        inside.mkdir(parents=True)
        shutil.copyfile(library, inside / platform.file)
        suffix, environment = f"-{platform.gem}", {"PACT_TELEMETRY_GEM_PLATFORM": platform.gem}
    run("gem", "build", "--strict", "pact-telemetry.gemspec", cwd=work, **environment)
    (made,) = work.glob("*.gem")
    return place(made, folder / f"pact-telemetry-{GEM_VERSION}{suffix}.gem")


def rubygems(home):
    """The environment of a person's RubyGems that has nothing but the system's gems, of which `ffi` is needed."""
    need("gem", "ruby")
    environment = {**clean(), "GEM_HOME": str(home), "BUNDLE_USER_HOME": str(home / "bundle")}
    environment.pop("GEM_PATH", None)  # then the system's gems are found, too: ffi is one
    has_ffi = "print Gem::Specification.find_all_by_name('ffi').any?"
    if run("ruby", "-e", has_ffi, cwd=ROOT, environment=environment) != "true":
        raise NotThere("there is no gem ffi (Debian: ruby-ffi)")
    return environment


@contextlib.contextmanager
def registry(folder, gems):
    """Serves these gems on loopback, as a server of gems does. Yields its URL."""
    (folder / "gems").mkdir(parents=True)
    for gem in gems:
        shutil.copyfile(gem, folder / "gems" / gem.name)
    try:
        run("gem", "generate_index", "--directory", folder, cwd=folder)
    except Failed as why:
        raise NotThere("this RubyGems has no `gem generate_index`") from why
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word on standard error."""

    def log_message(self, *_):
        pass


def try_in(collector, project):
    """Installs by RubyGems and by Bundler, each from a server that has the gems of all platforms."""
    platform = this_platform()
    if platform is None:
        raise NotThere("there is no gem with a library for this machine")
    packed = package(f"*-{PLATFORMS[platform].gem}.gem")
    environment = rubygems(project / "gems")
    (project / "tried.rb").write_text(RUBY)
    with registry(project / "index", pack_into(project / "all", placeholders(project / "placeholders"))) as url:
        run("gem", "install", "--no-document", *source(url), cwd=project, environment=environment)
        only(project / "gems/gems", platform)
        used = send(collector, project, "ruby", "ruby", "tried.rb", GEM_HOME=environment["GEM_HOME"])
        with_bundler(collector, project / "bundled", url, platform)
    return packed, used


def source(url):
    """The arguments that name the gem and where it is."""
    return ("pact-telemetry", "--prerelease", "--clear-sources", "--source", url)


def only(gems, platform):
    """Fails unless the one installed gem carries the library of the platform and no other."""
    (installed,) = (path for path in gems.iterdir() if path.name.startswith("pact-telemetry-"))
    inside = [path.name for path in installed.glob("native/*")]
    if inside != ([platform] if platform else []):
        raise Failed(f"{installed.name} was installed, which carries {inside or 'no library'}, not {platform}")


def with_bundler(collector, project, url, platform):
    need("bundle")
    project.mkdir()
    environment = rubygems(project / "gems")
    (project / "Gemfile").write_text(f'source "{url}"\ngem "pact-telemetry", "{GEM_VERSION}"\n')
    run("bundle", "install", "--quiet", cwd=project, environment=environment)
    only(project / "gems/gems", platform)
    (project / "tried.rb").write_text(RUBY)
    send(collector, project, "ruby", "bundle", "exec", "ruby", "tried.rb", GEM_HOME=environment["GEM_HOME"])


def try_elsewhere(project):
    """What RubyGems fetches, and Bundler locks, for each platform; and that the gem for any platform installs here."""
    rubygems(project / "gems")
    with registry(project / "index", pack_into(project / "all", placeholders(project / "placeholders"))) as url:
        brought = {name: fetch(project, url, one.gem) for name, one in PLATFORMS.items()}
        for name, one in PLATFORMS.items():
            if carried(brought[name]) != [f"native/{name}/{one.file}"]:
                raise Failed(f"for {one.gem}, `gem fetch` brought {brought[name].name}")
        for other in OTHERS:
            brought[other] = fetch(project, url, other)
            if carried(brought[other]):
                raise Failed(f"for {other}, `gem fetch` brought {brought[other].name}")
        told = {name: path.name for name, path in brought.items()}
        told["all in one Gemfile.lock"] = ", ".join(lock(project / "locked", url))
        told["one that is not known"] = without_library(project / "plain", url)
    return told


def fetch(project, url, platform):
    """The gem that `gem fetch` brings for a platform of RubyGems."""
    folder = project / "fetched" / platform
    folder.mkdir(parents=True)
    run("gem", "fetch", *source(url), "--platform", platform, cwd=folder, environment=rubygems(project / "gems"))
    (brought,) = folder.iterdir()
    return brought


def carried(gem):
    """The libraries in a gem."""
    with tarfile.open(gem) as outer, tarfile.open(fileobj=io.BytesIO(outer.extractfile("data.tar.gz").read())) as inner:
        return [name for name in inner.getnames() if name.startswith("native/")]


def lock(project, url):
    """The gems that Bundler writes into Gemfile.lock for all platforms that this RubyGems knows."""
    need("bundle")
    project.mkdir()
    (project / "Gemfile").write_text(f'source "{url}"\ngem "pact-telemetry", "{GEM_VERSION}"\n')
    knows_musl = run("ruby", "-e", "print Gem.rubygems_version >= Gem::Version.new('3.3.22')", cwd=project) == "true"
    platforms = [one.gem for one in PLATFORMS.values() if knows_musl or not one.gem.endswith("-musl")]
    if not knows_musl:
        print("ruby: NOT RUN: Bundler for musl, which needs RubyGems 3.3.22 or later")
    run("bundle", "lock", "--add-platform", *platforms, cwd=project, environment=rubygems(project / "gems"))
    text = (project / "Gemfile.lock").read_text()
    locked = sorted(re.findall(rf"^    pact-telemetry \({re.escape(GEM_VERSION)}-?(\S*)\)$", text, re.M))
    if locked != sorted(platforms):
        raise Failed(f"Bundler locked {locked}, not {sorted(platforms)}:\n{text}")
    return locked


def without_library(project, url):
    """Installs the gem for any platform, and has a client say why it does nothing."""
    project.mkdir()
    environment = rubygems(project / "gems")
    run("gem", "install", "--no-document", *source(url), "--platform", "ruby", cwd=project, environment=environment)
    only(project / "gems/gems", None)
    (project / "silent.rb").write_text(SILENT)
    said = run("ruby", "silent.rb", cwd=project, environment=environment).strip()
    reason = f"this gem is the one for any platform, which carries no library for {this_platform()}; "
    if not said.startswith(f'[:unavailable, "{reason}') or not said.endswith(", :unavailable, :ok]"):
        raise Failed(f"the client without a library said: {said}")
    return said
