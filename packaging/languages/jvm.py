"""The Maven artifacts: how it is made, and how it is tried in an empty project."""

import shutil

from shared import MAVEN, PACKAGES, ROOT, VERSION, NotThere, copy, jdks, maven, need, package, place, run, send

JAVA = """
import au.com.dius.pact.telemetry.Telemetry;
import java.nio.file.*;
import java.time.Duration;

class Tried {
  public static void main(String[] arguments) throws Exception {
    Telemetry telemetry = Telemetry.builder().library("tried-jvm", "Tried", "1").build();
    System.out.println(telemetry.pactsVerified(7) + " " + telemetry.unavailableReason() + " "
        + telemetry.close(Duration.ofSeconds(10)));
    System.out.println(Files.readString(Path.of("/proc/self/maps")));
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

# What a package of another version, or of an earlier run, is called.
OUTPUTS = [f"maven/{MAVEN}/*/*"]


def pack():
    need("mvn")
    found = jdks()
    newest = max(found, default=0)
    if newest < 17:
        raise NotThere("there is no JDK of version 17 or later")
    if newest < 22:
        print("jvm: without the java.lang.foreign layer, which needs a JDK of version 22 or later: not for publishing")
    work = copy("jvm", "native")
    skipped = ("-Dmaven.test.skip", "-Dspotless.check.skip", "-Dmdep.skip")
    maven(found[newest], "package", *skipped, cwd=work)
    # A folder that Maven takes for a repository.
    folder = PACKAGES / "maven" / MAVEN / VERSION
    shutil.rmtree(PACKAGES / "maven", ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(work / "pom.xml", folder / f"telemetry-{VERSION}.pom")
    return place(work / f"target/telemetry-{VERSION}.jar", folder / f"telemetry-{VERSION}.jar")


def try_in(collector, project):
    packed = package(f"maven/{MAVEN}/*/*.jar")
    need("mvn")
    found = jdks()
    newest = max(found, default=0)
    if newest < 17:
        raise NotThere("there is no JDK of version 17 or later")
    (project / "pom.xml").write_text(POM % ((PACKAGES / "maven").as_uri(), VERSION))
    shutil.rmtree(ROOT / "build/tools/m2" / MAVEN, ignore_errors=True)  # Maven never looks again for what it has
    plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    maven(found[newest], plugin, f"-DoutputDirectory={project}/lib", cwd=project)
    (project / "Tried.java").write_text(JAVA)
    (project / "tmp").mkdir()
    versions = []
    for version in sorted({newest, min(version for version in found if version >= 17)}):
        options = [f"-Djava.io.tmpdir={project}/tmp", "-cp", "lib/*"]
        options += ["--enable-native-access=ALL-UNNAMED"] if version >= 22 else []
        versions.append(send(collector, project, "jvm", f"{found[version]}/bin/java", *options, "Tried.java"))
    return packed, " and ".join(versions)
