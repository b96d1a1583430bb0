"""The Maven artifacts: how they are made, and how they are tried in an empty project.

`telemetry` has the classes, `telemetry-natives` the library for each platform. What is packed is a folder that Maven
takes for a repository: jars, sources, documentation, bills of materials and checksums. `maven_central` makes from it
the bundle that Maven Central takes, with signatures where there is a key.
"""

import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import zipfile
from pathlib import Path
from unittest import mock

import maven_central
from shared import (
    BILL,
    MAVEN,
    PACKAGES,
    PLATFORMS,
    ROOT,
    VERSION,
    Failed,
    NotThere,
    clean,
    copy_sources,
    documents,
    jdks,
    maven,
    natives,
    need,
    package,
    placeholders,
    run,
    send,
    this_platform,
)

NATIVES = f"{MAVEN}-natives"

JAVA = """
import au.com.dius.pact.telemetry.Telemetry;
import java.nio.file.*;
import java.time.Duration;

class Tried {
  public static void main(String[] arguments) throws Exception {
    Telemetry telemetry = Telemetry.builder().library("tried-jvm", "Tried", "1").build();
    System.out.println(telemetry.pactsVerified(7) + " " + telemetry.explain().reason() + " "
        + telemetry.close(Duration.ofSeconds(10)));
    System.out.println(Files.readString(Path.of("/proc/self/maps")));
  }
}
"""
NO_LIBRARY = """
import au.com.dius.pact.telemetry.Telemetry;

class NoLibrary {
  public static void main(String[] arguments) {
    Telemetry telemetry = Telemetry.builder().library("tried-jvm", "Tried", "1").build();
    telemetry.explain();
    System.out.print(telemetry.pactsVerified(7) + " " + telemetry.unavailableReason().orElse(""));
    telemetry.close();
  }
}
"""
QUIET = """
import au.com.dius.pact.telemetry.Telemetry;
import java.time.Duration;

class Quiet {
  public static void main(String[] arguments) {
    Telemetry telemetry = Telemetry.builder().library("tried-jvm", "Tried", "1").build();
    System.out.println(telemetry.pactsVerified(7) + " " + telemetry.persist(Duration.ofSeconds(30)));
  }
}
"""
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>tried</artifactId><version>1</version>
  <repositories><repository><id>packed</id><url>%s</url></repository></repositories>
  <dependencies><dependency>
    <groupId>au.com.dius.pact</groupId><artifactId>telemetry</artifactId><version>%s</version>
  </dependency></dependencies>
</project>
"""
NO_CLASSES = """This artifact has no classes, and so no %s. It holds the native library of
au.com.dius.pact:telemetry for each platform, which is written in Rust:
https://github.com/pact-foundation/pact-telemetry
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = [f"maven/{MAVEN}*/*/*"]


def toolchain():
    """The JDKs; NotThere without Maven and a JDK that can build."""
    need("mvn")
    found = jdks()
    if max(found, default=0) < 17:
        raise NotThere("there is no JDK of version 17 or later")
    return found


def pack():
    shutil.rmtree(PACKAGES / "maven", ignore_errors=True)
    made = make(natives(), PACKAGES / "maven")
    signatures = maven_central.bundle()
    print(f"jvm: {maven_central.BUNDLE.relative_to(ROOT)}: {signatures or 'no'} signatures", flush=True)
    return made


def make(libraries, folder, complete=True):
    """{jar: [the platforms whose library it carries]} in a folder for Maven, with these libraries.

    `complete`: with what a registry wants beside the jars, and not only what Maven needs to install them.
    """
    found = toolchain()
    newest = max(found)
    if newest < 22:
        print("jvm: without the java.lang.foreign layer, which needs a JDK of version 22 or later: not for publishing")
    work = copy_sources("jvm")
    documents(work, native=False)
    inside = work / "natives/native"
    for name, library in libraries.items():
        (inside / PLATFORMS[name].jna).mkdir(parents=True)
        shutil.copyfile(library, inside / PLATFORMS[name].jna / PLATFORMS[name].file)
    documents(inside / "META-INF")
    arguments = ["-Dmaven.test.skip", "-Dspotless.check.skip", "-Dmdep.skip", *(["-Prelease"] if complete else [])]
    maven(found[newest], "-f", "reactor.xml", "package", *arguments, cwd=work)
    classes, jar = folder / MAVEN / VERSION, f"telemetry-{VERSION}"
    native, other = folder / NATIVES / VERSION, f"telemetry-natives-{VERSION}"
    classes.mkdir(parents=True)
    native.mkdir(parents=True)
    copy_made(work / "target" / f"{jar}.jar", classes / f"{jar}.jar")
    copy_made(work / "pom.xml", classes / f"{jar}.pom")
    copy_made(work / "natives/target" / f"{other}.jar", native / f"{other}.jar")
    copy_made(work / "natives/pom.xml", native / f"{other}.pom")
    if complete:
        copy_made(work / "target/bom.json", classes / f"{jar}-cyclonedx.json")
        copy_made(BILL, native / f"{other}-cyclonedx.json")
        for kind in ("sources", "javadoc"):
            copy_made(work / "target" / f"{jar}-{kind}.jar", classes / f"{jar}-{kind}.jar")
            write_jar(native / f"{other}-{kind}.jar", {"README.txt": NO_CLASSES % kind})
        newer = work / "src/main/java22"  # which Maven's plugin does not know
        with zipfile.ZipFile(classes / f"{jar}-sources.jar", "a") as sources:
            for file in sorted(newer.rglob("*.java")):
                sources.writestr(zipfile.ZipInfo(f"META-INF/versions/22/{file.relative_to(newer)}"), file.read_bytes())
    for file in sorted([*classes.iterdir(), *native.iterdir()]):
        for kind in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(kind, file.read_bytes()).hexdigest()
            file.with_name(f"{file.name}.{kind}").write_text(digest)
    return {classes / f"{jar}.jar": [], native / f"{other}.jar": list(libraries)}


def copy_made(made, file):
    if not made.exists():
        raise Failed(f"there is no {made.name}: is its version not that of Cargo.toml?")
    shutil.copyfile(made, file)


def write_jar(path, files):
    """A jar of texts whose bytes depend on nothing else."""
    files = {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\n\r\n", **files}
    with zipfile.ZipFile(path, "w") as jar:
        for name, text in files.items():
            jar.writestr(zipfile.ZipInfo(name), text)


def install(repository, project, home):
    """Has Maven put what an empty project that depends on the package needs into its folder `lib`."""
    (project / "pom.xml").write_text(POM % (repository.as_uri(), VERSION))
    for artifact in (MAVEN, NATIVES):  # Maven never looks again for what it has
        shutil.rmtree(ROOT / "build/tools/m2" / artifact, ignore_errors=True)
    plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    maven(home, plugin, f"-DoutputDirectory={project}/lib", cwd=project)


def try_in(collector, project):
    packed = package(f"maven/{NATIVES}/*/*natives-{VERSION}.jar")
    found = toolchain()
    newest = max(found)
    install(PACKAGES / "maven", project, found[newest])
    (project / "Tried.java").write_text(JAVA)
    (project / "tmp").mkdir()
    versions = []
    for version in sorted({newest, min(version for version in found if version >= 17)}):
        options = [f"-Djava.io.tmpdir={project}/tmp", "-cp", "lib/*"]
        options += ["--enable-native-access=ALL-UNNAMED"] if version >= 22 else []
        versions.append(send(collector, project, "jvm", f"{found[version]}/bin/java", *options, "Tried.java"))
    if newest >= 24:
        print(f"jvm: no warning of native access: {', '.join(try_quiet(project, found[newest]))}", flush=True)
    print(f"jvm: Maven Central's bundle: {try_bundle(project)}", flush=True)
    return packed, " and ".join(versions)


def try_quiet(project, home):
    """The ways of granting native access that the README names: with each, nothing is printed about it."""
    grant = "--enable-native-access=ALL-UNNAMED"
    (project / "Quiet.java").write_text(QUIET)
    run(f"{home}/bin/javac", "-cp", "lib/*", "Quiet.java", cwd=project)
    manifest = ["Manifest-Version: 1.0", "Main-Class: Quiet", "Enable-Native-Access: ALL-UNNAMED", "Class-Path: ."]
    # A line of a manifest has at most 72 bytes, and goes on in the next one after a space.
    manifest += [f"  lib/{jar.name}" for jar in (project / "lib").iterdir()]
    with zipfile.ZipFile(project / "quiet.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "\r\n".join(manifest) + "\r\n\r\n")
    started = ["-cp", f"lib/*{os.pathsep}.", "Quiet"]
    ways = {
        "the command line": ([grant, *started], {}),
        "the manifest": (["-jar", "quiet.jar"], {}),
        "JDK_JAVA_OPTIONS": (started, {"JDK_JAVA_OPTIONS": grant}),
        "JAVA_TOOL_OPTIONS": (started, {"JAVA_TOOL_OPTIONS": grant}),
        "nothing": (started, {}),
    }
    environment = {
        **clean(),
        "PACT_TELEMETRY_ENDPOINT": "http://127.0.0.1:9",
        "PACT_TELEMETRY_STATE_DIR": str(project / "quiet"),
        "PACT_TELEMETRY_NOTICE": "seen",
    }
    for name, (arguments, more) in ways.items():
        printed = run(f"{home}/bin/java", *arguments, cwd=project, environment=environment, **more)
        warnings = printed.count("WARNING: ")
        if "OK KEPT" not in printed or warnings != (4 if name == "nothing" else 0):
            raise Failed(f"granted by {name}, the JVM printed: {printed}")
    return [name for name in ways if name != "nothing"]


def try_bundle(project):
    """Signs the bundle with a key that is thrown away, checks it as Maven Central does, and uploads it to a server of
    this process."""
    try:
        need("gpg")
    except NotThere as why:
        return f"NOT RUN: {why}"
    file, home = project / "bundle.zip", tempfile.mkdtemp(prefix="gpg-")
    gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "secret")
    try:
        run(*gpg, "--quick-generate-key", "Thrown away <nobody@example.org>", "ed25519", "sign", cwd=project)
        key = {
            "MAVEN_SIGNING_KEY": run(*gpg, "--armor", "--export-secret-keys", cwd=project),
            "MAVEN_SIGNING_PASSPHRASE": "secret",
        }
        with mock.patch.dict(os.environ, key):
            signatures = maven_central.bundle(file=file)
            check_uploaded(project)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(project / "bundle")
        checked = check_bundle(project / "bundle", lambda *files: run(*gpg, "--verify", *files, cwd=project))
        if checked != signatures:
            raise Failed(f"the bundle holds {signatures} signatures for {checked} files")
        return f"{checked} files, each with its checksums and a good signature"
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


def check_bundle(folder, verify):
    """Fails unless each artifact has all that Maven Central asks for; returns the number of files to be signed."""
    checked = 0
    for artifact in (MAVEN, NATIVES):
        place, name = folder / artifact / VERSION, f"{Path(artifact).name}-{VERSION}"
        for needed in (f"{name}.pom", f"{name}.jar", f"{name}-sources.jar", f"{name}-javadoc.jar"):
            if not (place / needed).exists():
                raise Failed(f"the bundle has no {needed}")
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix in (*maven_central.CHECKSUMS, ".asc"):
            continue
        for kind in ("md5", "sha1"):
            if file.with_name(f"{file.name}.{kind}").read_text() != hashlib.new(kind, file.read_bytes()).hexdigest():
                raise Failed(f"the bundle has another {kind} of {file.name}")
        verify(file.with_name(f"{file.name}.asc"), file)
        checked += 1
    return checked


class Portal(http.server.BaseHTTPRequestHandler):
    """Answers like Maven Central's portal: it takes a bundle, says once that it is being checked, then the verdict."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        uploading = self.path.startswith("/upload")
        answer = "1234" if uploading else f'{{"deploymentState": "{self.server.states.pop(0)}"}}'
        self.send_response(201 if uploading else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


def check_uploaded(project):
    """Fails unless the upload brings the signed bundle to the portal and obeys its verdict."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        token = {"MAVEN_USERNAME": "u", "MAVEN_PASSWORD": "p", "MAVEN_PORTAL_URL": url, "NO_PROXY": "127.0.0.1"}
        with mock.patch.dict(os.environ, token), mock.patch.object(maven_central, "BUNDLE", project / "uploaded.zip"):
            for states, refused in ((["VALIDATING", "PUBLISHING"], False), (["FAILED"], True)):
                server.asked, server.states = [], list(states)
                try:
                    maven_central.upload(pause=0)
                except Failed:
                    if not refused:
                        raise
                else:
                    if refused:
                        raise Failed("a bundle that the portal refused counts as published")
                path, authorization, body = server.asked[0]
                if not path.startswith("/upload?") or "publishingType=AUTOMATIC" not in path:
                    raise Failed(f"the portal was asked for {path}")
                if authorization != "Bearer dTpw" or (project / "uploaded.zip").read_bytes() not in body:
                    raise Failed("the portal did not get the bundle with the user's token")
                if [one[0] for one in server.asked[1:]] != ["/status?id=1234"] * len(states):
                    raise Failed(f"the portal was asked {[one[0] for one in server.asked]}")
        server.shutdown()


def try_elsewhere(project):
    """One jar serves every platform, with each library where the loader looks; elsewhere the client does nothing."""
    found = toolchain()
    newest = max(found)
    make(placeholders(project / "placeholders"), project / "repository", complete=False)
    install(project / "repository", project, found[newest])
    jar = f"telemetry-natives-{VERSION}.jar"
    with zipfile.ZipFile(project / "lib" / jar) as archive:
        names = archive.namelist()
    installed = {}
    for name, platform in PLATFORMS.items():
        file = f"{platform.jna}/{platform.file}"
        if names.count(file) != 1:
            raise Failed(f"{jar} has no {file}")
        if name != this_platform():
            installed[name] = f"{file} in {jar}"
    (project / "NoLibrary.java").write_text(NO_LIBRARY)
    for system, machine in (("Linux", "s390x"), ("SunOS", "amd64"), ("Windows 11", "aarch64")):
        options = [f"-Dos.name={system}", f"-Dos.arch={machine}", "-cp", "lib/*"]
        said = run(f"{found[newest]}/bin/java", *options, "NoLibrary.java", cwd=project, environment=clean())
        if not said.startswith(f"UNAVAILABLE there is no library for {system} on {machine};") or "\n" in said:
            raise Failed(f"on {system} {machine} the program said: {said}")
        installed[f"{system} {machine}"] = "without a library, a client that does nothing and says why"
    return installed
