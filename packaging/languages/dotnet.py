"""The NuGet package: one for all platforms, as NuGet has it; how it is made and tried.

It is put together here and not by `dotnet pack`, because the .NET SDK is not available everywhere, and the package is a
ZIP file with three files of its own.
"""

import re
import shutil
import xml.etree.ElementTree as ET
import zipfile

from shared import (
    DIST,
    PACKAGES,
    PLATFORMS,
    ROOT,
    VERSION,
    Failed,
    clean,
    documents,
    natives,
    need,
    package,
    placeholders,
    run,
    send,
    this_platform,
)

NAME = "PactFoundation.Telemetry"
REPOSITORY = "https://github.com/pact-foundation/pact-telemetry"
NUSPEC = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"

# {our platform: NuGet's name of it}
RIDS = {
    "linux-x64-gnu": "linux-x64",
    "linux-arm64-gnu": "linux-arm64",
    "linux-x64-musl": "linux-musl-x64",
    "linux-arm64-musl": "linux-musl-arm64",
    "darwin-x64": "osx-x64",
    "darwin-arm64": "osx-arm64",
    "win32-x64": "win-x64",
}

PROGRAM = """
using System;
using System.IO;
using PactFoundation.Telemetry;
internal static class Tried
{
    private static void Main()
    {
        var telemetry = new TelemetryClient(new TelemetryOptions("tried-dotnet", "Tried", "1"));
        Console.WriteLine(string.Join(" ", telemetry.PactsVerified(7), telemetry.UnavailableReason,
            telemetry.Explain().State, telemetry.Flush(TimeSpan.FromSeconds(10))));
        Console.WriteLine(File.ReadAllText("/proc/self/maps"));
    }
}
"""

TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
{types}
</Types>
"""

RELATIONS = f"""<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/{NAME}.nuspec" Id="R1" />
</Relationships>
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.nupkg"]


def pack():
    libraries = natives()
    return {pack_into(PACKAGES, libraries): list(libraries)}


def pack_into(folder, libraries):
    """Makes the package with these libraries; its nuspec is checked."""
    need("mcs", "mono")
    work = DIST / "work/dotnet"
    shutil.rmtree(work, ignore_errors=True)
    run("sh", "./compile", work / "built", "assembly", cwd=ROOT / "bindings/dotnet")
    content = work / "content"
    (content / "lib/netstandard2.0").mkdir(parents=True)
    for name in (f"{NAME}.dll", f"{NAME}.xml"):
        shutil.copyfile(work / "built" / name, content / "lib/netstandard2.0" / name)
    shutil.copyfile(ROOT / "bindings/dotnet/README.md", content / "README.md")
    documents(content)
    for platform, library in libraries.items():
        inside = content / "runtimes" / RIDS[platform] / "native"
        inside.mkdir(parents=True)
        shutil.copyfile(library, inside / PLATFORMS[platform].file)
    shutil.copyfile(ROOT / "bindings/dotnet" / f"{NAME}.nuspec", content / f"{NAME}.nuspec")
    check_nuspec(content)
    folder.mkdir(parents=True, exist_ok=True)
    return archive(content, folder / f"{NAME}.{VERSION}.nupkg")


def archive(content, path):
    """Writes the package: all files in order, with one time, so that the same files make the same bytes."""
    files = {file.relative_to(content).as_posix(): file.read_bytes() for file in content.rglob("*") if file.is_file()}
    kinds = sorted({name.rsplit(".", 1)[1] for name in files if "." in name.rsplit("/", 1)[-1]} | {"rels"})
    types = [f'  <Default Extension="{kind}" ContentType="application/octet-stream" />' for kind in kinds]
    types += [
        f'  <Override PartName="/{name}" ContentType="application/octet-stream" />'
        for name in sorted(files)
        if "." not in name.rsplit("/", 1)[-1]
    ]
    files["[Content_Types].xml"] = TYPES.format(types="\n".join(types)).encode()
    files["_rels/.rels"] = RELATIONS.encode()
    with zipfile.ZipFile(path, "w") as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(entry, files[name])
    return path


def check_nuspec(content):
    """Fails unless the nuspec says all that a registry asks for, and is true."""
    metadata = ET.parse(content / f"{NAME}.nuspec").getroot().find(f"{{{NUSPEC}}}metadata")
    if metadata is None:
        raise Failed("the nuspec has no metadata")
    said = {child.tag.split("}")[1]: child for child in metadata}
    for name in "id version authors description license projectUrl readme repository tags dependencies".split():
        if name not in said:
            raise Failed(f"the nuspec has no {name}")
    texts = {"id": NAME, "version": VERSION, "license": "MIT", "projectUrl": REPOSITORY}
    for name, text in texts.items():
        if said[name].text != text:
            raise Failed(f"the nuspec says {said[name].text} for {name}, not {text}")
    if not (content / said["readme"].text).exists():
        raise Failed(f"the nuspec names {said['readme'].text}, which is not in the package")
    groups = {group.get("targetFramework") for group in said["dependencies"]}
    folders = {folder.name for folder in (content / "lib").iterdir()}
    if {name.lower().replace(".netstandard", "netstandard") for name in groups} != folders:
        raise Failed(f"the nuspec names {groups}, the package has {folders}")


def unpack(path, project):
    """Puts the package where NuGet does."""
    with zipfile.ZipFile(path) as packed:
        packed.extractall(project / "packages" / NAME.lower() / VERSION)
    return project / "packages" / NAME.lower() / VERSION


def build(project, unpacked):
    """Compiles the program against the package, and puts beside it what the .NET SDK would."""
    (project / "tried.cs").write_text(PROGRAM)
    assembly = unpacked / f"lib/netstandard2.0/{NAME}.dll"
    references = ("-r:Facades/netstandard.dll", f"-r:{assembly}")
    run("mcs", *references, "-out:tried.exe", "tried.cs", cwd=project, environment=clean())
    shutil.copy(assembly, project)


def try_in(collector, project):
    packed = package("*.nupkg")
    need("mcs", "mono")
    unpacked = unpack(packed, project)
    build(project, unpacked)
    shutil.copytree(unpacked / "runtimes", project / "runtimes")
    return packed, send(collector, project, "dotnet", "mono", "tried.exe")


def try_elsewhere(project):
    """What NuGet puts beside a program of each platform, and what a program says for which the package has nothing."""
    unpacked = unpack(pack_into(project / "all", placeholders(project / "placeholders")), project)
    told = {}
    for name, rid in RIDS.items():
        (library,) = (unpacked / "runtimes" / rid / "native").iterdir()
        if library.name != PLATFORMS[name].file:
            raise Failed(f"for {rid} the package has {library.name}")
        told[name] = f"runtimes/{rid}/native/{library.name}"
    build(project, unpacked)
    said = run("mono", "tried.exe", cwd=project, environment=clean()).splitlines()[0]
    expected = f"Unavailable the package carries no library for {RIDS[this_platform()]}; .* Unavailable Ok"
    if not re.fullmatch(expected, said):
        raise Failed(f"the program without a library said: {said}")
    return {**told, "one that is not known": said}
