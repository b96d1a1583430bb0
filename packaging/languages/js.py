"""The npm packages, one of them for each platform: how they are made, and how they are tried in empty projects."""

import base64
import hashlib
import http.server
import io
import json
import re
import shutil
import tarfile
import tempfile
import threading
import urllib.parse
from pathlib import Path

from shared import (
    DIST,
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
    placeholders,
    run,
    send,
    this_platform,
)

BINDING = ROOT / "bindings/js"
NAME = "@pact-foundation/telemetry"
MAIN_BYTES = 40_000  # the largest size of the main package

JS = """
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TelemetryClient } from '@pact-foundation/telemetry';
const required = createRequire(import.meta.url)('@pact-foundation/telemetry');
const telemetry = new TelemetryClient({ library: { id: 'tried-js', name: 'Tried', version: '1' } });
console.log(telemetry.pactsVerified(7), telemetry.unavailableReason ?? '', await telemetry.close(10000));
if (required.TelemetryClient !== TelemetryClient) throw new Error('require and import give two classes');
console.log(readFileSync('/proc/self/maps', 'utf8'));
"""
NO_LIBRARY = """
import { TelemetryClient } from '@pact-foundation/telemetry';
const telemetry = new TelemetryClient({ library: { id: 'tried-js', name: 'Tried', version: '1' } });
console.log(JSON.stringify([telemetry.pactsVerified(7), await telemetry.close(), telemetry.unavailableReason]));
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.tgz"]


def pack():
    """The main package, and one for each platform whose library was built."""
    need("npm", "node")
    packages = make(natives(), PACKAGES)
    main = next(iter(packages))
    if main.stat().st_size > MAIN_BYTES:
        raise Failed(f"{main.name} is {main.stat().st_size} bytes; {MAIN_BYTES} is the most")
    return packages


def make(libraries, folder):
    """Packs these libraries into the folder; {package: [platforms whose library it carries]}, the main one first."""
    folder.mkdir(parents=True, exist_ok=True)
    work = copy_sources("js")
    documents(work, native=False)
    manifest = json.loads((work / "package.json").read_text())
    if manifest["version"] != VERSION:
        raise Failed(f"package.json says {manifest['version']}, Cargo.toml says {VERSION}")
    known = re.findall(r"'((?:linux|darwin|win32)-[\w-]+)',", (work / "lib/platform.js").read_text())
    if known != list(PLATFORMS):
        raise Failed(f"lib/platform.js knows the platforms {known}, not {list(PLATFORMS)}")
    manifest["optionalDependencies"] = {f"{NAME}-{name}": VERSION for name in PLATFORMS}
    for key in ("devDependencies", "overrides", "scripts"):  # of the sources alone
        manifest.pop(key)
    (work / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    packages = {npm_pack(work, folder): []}
    for name, library in libraries.items():
        packages[npm_pack(platform_sources(manifest, name, library), folder)] = [name]
    return packages


def platform_sources(main, name, library):
    """The folder of the package for one platform."""
    platform, work = PLATFORMS[name], DIST / "work" / f"js-{name}"
    shutil.rmtree(work, ignore_errors=True)
    files = documents(work)
    shutil.copyfile(library, work / platform.file)
    manifest = {
        "name": f"{NAME}-{name}",
        "version": VERSION,
        "description": f"The native library of {NAME} for {name}",
        **{key: main[key] for key in ("keywords", "homepage", "bugs", "license", "author", "repository", "engines")},
        "publishConfig": main["publishConfig"],
        **platform.npm,
        "exports": {f"./{platform.file}": f"./{platform.file}", "./package.json": "./package.json"},
        "preferUnplugged": True,  # Yarn: a library is loaded from a file, and not from an archive
        "files": [platform.file, *files],
    }
    (work / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    (work / "README.md").write_text(
        f"# {manifest['name']}\n\n"
        f"The native library of `{NAME}` for {name}. Do not install it by itself: install `{NAME}`,\n"
        "which takes the package that fits. [COLLECTED.md](COLLECTED.md) says what is collected and how to opt out,\n"
        "[THIRD-PARTY-LICENSES.txt](THIRD-PARTY-LICENSES.txt) holds the licences of what is linked into the library.\n"
    )
    return work


def package_for(name):
    """Where the package for a platform lies."""
    return PACKAGES / f"pact-foundation-telemetry-{name}-{VERSION}.tgz"


def npm_pack(work, folder):
    made = run("npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder, cwd=work)
    return folder / made.split()[-1]


def development():
    """The folder with what bindings/js/package.json needs for development: koffi, package managers, Deno and Bun."""
    modules = BINDING / "node_modules"
    installed, wanted = modules / ".package-lock.json", BINDING / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        try:
            run("npm", "ci", "--silent", "--no-progress", cwd=BINDING, environment=clean())
        except Failed as why:
            raise NotThere("npm cannot install what bindings/js/package-lock.json names") from why
    return modules


def archive(folder):
    """The .tgz of a package that is installed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, "package", filter=lambda one: None if one.name == "package/node_modules" else one)
    return packed.getvalue()


def placeholder(name, version):
    """The .tgz of a package of koffi's for another platform, which holds nothing."""
    system, cpu = name.rsplit("-", 2)[-2:]
    manifest = json.dumps({"name": name, "version": version, "os": [system], "cpu": [cpu]}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest))
    return packed.getvalue()


class Registry(http.server.ThreadingHTTPServer):
    """A registry on this machine with the packages, and koffi as it is installed for development. Knows no other."""

    def __init__(self, packages):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.documents, self.archives = {}, {}
        modules = development()
        koffi = json.loads((modules / "koffi/package.json").read_text())
        for packed in [*(package.read_bytes() for package in packages), archive(modules / "koffi")]:
            self.add(packed)
        for name, version in koffi["optionalDependencies"].items():
            self.add(archive(modules / name) if (modules / name).exists() else placeholder(name, version))

    def add(self, packed):
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            manifest = json.load(tar.extractfile("package/package.json"))
        name, version = manifest["name"], manifest["version"]
        path = f"/{name}/-/{name.split('/')[-1]}-{version}.tgz"
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
        shasum = hashlib.sha1(packed).hexdigest()
        manifest["dist"] = {"tarball": self.url + path, "integrity": integrity, "shasum": shasum}
        published = "2026-01-01T00:00:00.000Z"
        self.archives[path] = packed
        self.documents[f"/{name}"] = {
            "name": name,
            "dist-tags": {"latest": version},
            "versions": {version: manifest},
            "time": {"created": published, "modified": published, version: published},
        }

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = urllib.parse.unquote(self.path.split("?")[0])
        if path in self.server.documents:
            self.answer(200, json.dumps(self.server.documents[path]).encode(), "application/json")
        elif path in self.server.archives:
            self.answer(200, self.server.archives[path], "application/octet-stream")
        else:
            self.answer(404, b'{"error": "not found"}', "application/json")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def new_project(folder, **manifest):
    folder.mkdir(parents=True)
    text = json.dumps({"name": "tried", "private": True, "type": "module", "dependencies": {NAME: VERSION}, **manifest})
    (folder / "package.json").write_text(text)
    (folder / "tried.js").write_text(JS)
    (folder / "none.js").write_text(NO_LIBRARY)
    return folder


# Without install scripts, as careful people do. koffi needs none: its library is in a package of its own.
NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def settings(project, url):
    """The environment of a package manager that knows the registry and keeps its files below the project."""
    return {
        "npm_config_registry": url,
        "npm_config_cache": str(project / "cache"),
        "npm_config_store_dir": str(project / "store"),
        "npm_config_userconfig": str(project / "none.npmrc"),
        "YARN_NPM_REGISTRY_SERVER": url,
        "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
        "YARN_GLOBAL_FOLDER": str(project / "yarn"),
        "YARN_ENABLE_GLOBAL_CACHE": "false",
        "YARN_ENABLE_TELEMETRY": "false",
        "YARN_ENABLE_IMMUTABLE_INSTALLS": "false",
        "BUN_INSTALL_CACHE_DIR": str(project / "bun"),
        "DENO_DIR": str(project / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "HOME": str(project),
    }


def try_in(collector, project):
    """With npm, pnpm and Yarn, on Node.js; and on Deno and Bun."""
    need("npm", "node")
    main = PACKAGES / f"pact-foundation-telemetry-{VERSION}.tgz"
    packages = [main, *(package_for(name) for name in PLATFORMS if package_for(name).exists())]
    if not main.exists() or len(packages) == 1:
        raise NotThere("there are no packages of it")
    tools = development() / ".bin"
    (bun,) = list((tools.parent / "@oven").glob("bun-*/bin/bun"))[:1] or [None]
    yarn = ("node", tools.parent / "@yarnpkg/cli-dist/bin/yarn.js")
    pnpm, deno = tools / "pnpm", (tools / "deno", "run", "-A")
    ways = {  # how the package is installed, how the program is run, and further files of the project
        "npm": (NPM, ("node", "tried.js"), {}),
        "pnpm": ((pnpm, "install", "--ignore-scripts"), ("node", "tried.js"), {}),
        "yarn, node_modules": ((*yarn, "install"), ("node", "tried.js"), {".yarnrc.yml": "nodeLinker: node-modules\n"}),
        "yarn, plug'n'play": ((*yarn, "install"), (*yarn, "node", "tried.js"), {".yarnrc.yml": "nodeLinker: pnp\n"}),
        "deno": (NPM, (*deno, "tried.js"), {}),
        "bun": ((bun, "install"), (bun, "tried.js"), {}),
    }
    versions = []
    # Yarn asks the registry for the packages of all platforms.
    missing = {name: at for name, at in placeholders(project / "none").items() if not package_for(name).exists()}
    with Registry([*packages, *list(make(missing, project / "none"))[1:]]) as registry:
        for name, (install, program, files) in ways.items():
            if install[0] is None:
                print(f"js: {name}: NOT TRIED: npm has no program of it for this machine")
                continue
            place = new_project(project / name.split(",")[0] / str(len(versions)))
            for file, text in files.items():
                (place / file).write_text(text)
            more = settings(place, registry.url)
            run(*install, cwd=place, environment=clean(), **more)
            versions.append(f"{name} ({send(collector, place, 'js', *program, **more)})")
    return main, ", ".join(versions)


def try_elsewhere(project):
    """{platform: what npm installs there}. Without a library npm succeeds, and the client says why it does nothing."""
    need("npm", "node")
    with tempfile.TemporaryDirectory(dir=project) as folder:
        packages = make(placeholders(Path(folder) / "libraries"), Path(folder) / "packages")
        found = {}
        with Registry(packages) as registry:
            for name in [*PLATFORMS, "freebsd-x64"]:
                npm = PLATFORMS[name].npm if name in PLATFORMS else {"os": ["freebsd"], "cpu": ["x64"]}
                place = new_project(project / name)
                chosen = [f"--{key}={value}" for key, (value,) in npm.items()]
                run(*NPM, *chosen, cwd=place, environment=clean(), **settings(place, registry.url))
                got, wanted = installed(place), [f"telemetry-{name}"] if name in PLATFORMS else []
                if got != wanted:
                    raise Failed(f"for {name} npm installed {got or 'nothing'}, not {wanted or 'nothing'}")
                found[name] = " ".join(got) or "the main package alone"
                if name != this_platform():
                    why = says_why(place)
            found["any without a library"] = f"nothing, and the client says: {why}"
    return found


def installed(place):
    """The packages for platforms that lie in the project."""
    folders = (place / "node_modules" / NAME.split("/")[0]).iterdir()
    return sorted(folder.name for folder in folders if folder.name != "telemetry")


def says_why(place):
    """The reason of the client in a project without a library for this machine."""
    koffi = f"koffi-{this_platform().rsplit('-', 1)[0]}" if this_platform() else "none"
    there = place / "node_modules/@koromix"
    ours = development() / "@koromix" / koffi
    if ours.exists() and not (there / koffi).exists():  # koffi's package for the other platform is installed
        shutil.copytree(ours, there / koffi)
    outcome, closed, why = json.loads(run("node", "none.js", cwd=place, environment=clean()).splitlines()[-1])
    if (outcome, closed) != ("unavailable", "ok") or "is not installed" not in why:
        raise Failed(f"without a library the client says {outcome}, {closed}, {why}")
    return why
