"""The Maven artifacts: how they are made, and how they are tried in an empty project.

`telemetry` has the classes, `telemetry-natives` the library for each platform. What is packed is a folder that Maven
takes for a repository: jars, sources, documentation, bills of materials and checksums, all but the signatures.
"""

import hashlib
import shutil
import zipfile

from shared import BILL, MAVEN, PACKAGES, PLATFORMS, ROOT, VERSION, Failed, NotThere, clean, copy_sources, documents
from shared import jdks, maven, natives, need, package, placeholders, run, send, this_platform

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
https://github.com/pact-foundation/pact_telemetry
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
    for name in PLATFORMS:
        if name not in natives():
            print(f"jvm: {name}: NOT PACKED: its library was not built")
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
    return packed, " and ".join(versions)


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
