"""Links for macOS on another system, with Rust's own ld64.lld, a stub SDK that is made here, and zig as C compiler.

zig's own linker is not used: it refuses `-compatibility_version 1`, and exported 12,718 names instead of ours.
The stub has public names only: those of libSystem that zig's package lists, and those of two frameworks that are used.
"""

import re
import subprocess

from targets import ROOT, MissingTool

MINIMUM = "11.0"  # the oldest macOS that the library runs on
HERE = ROOT / "packaging/platforms"

# What the certificate check (rustls-platform-verifier) and the clock of the standard library use.
FRAMEWORKS = {
    "CoreFoundation": """
        _CFArrayCreate _CFDataCreate _CFDateCreate _CFErrorCopyDescription _CFErrorGetCode _CFRelease _CFRetain
        _CFStringCreateWithBytes _CFStringGetBytes _CFStringGetCStringPtr _CFStringGetLength
        _kCFAbsoluteTimeIntervalSince1970 _kCFAllocatorDefault _kCFAllocatorNull _kCFTypeArrayCallBacks
        _kCFTypeDictionaryKeyCallBacks _kCFTypeDictionaryValueCallBacks""",
    "Security": """
        _SecCertificateCopySubjectSummary _SecCertificateCreateWithData _SecCopyErrorMessageString _SecPolicyCreateSSL
        _SecTrustCreateWithCertificates _SecTrustEvaluateWithError _SecTrustSetAnchorCertificates
        _SecTrustSetAnchorCertificatesOnly _SecTrustSetOCSPResponse _SecTrustSetVerifyDate""",
}

TBD = """--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, arm64-macos ]
install-name:    '{install_name}'
exports:
  - targets:         [ x86_64-macos, arm64-macos ]
    symbols:         [ {symbols} ]
...
"""


def arch(platform):
    return "aarch64" if "arm64" in platform.name else "x86_64"


def rustflags(_platform):
    return ["-C", "linker-flavor=ld64.lld"]


def environment(platform, tools, work):
    """The environment of cargo; writes the SDK."""
    sdk = write_sdk(tools, work / "sdk")
    key = platform.target.replace("-", "_")
    return {
        "SDKROOT": str(sdk),
        "MACOSX_DEPLOYMENT_TARGET": MINIMUM,
        f"CC_{key}": str(HERE / "apple-cc"),
        f"AR_{key}": str(HERE / "apple-ar"),
        "APPLE_CC_ZIG": str(tools.zig),
        "APPLE_CC_TARGET": f"{arch(platform)}-macos.{MINIMUM}",
        f"CARGO_TARGET_{key.upper()}_LINKER": str(HERE / "apple-linker"),
        "APPLE_LINKER": str(ld64()),
    }


def ld64():
    """Rust's linker for macOS, which every toolchain for Linux x86_64 and arm64 has."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    machine = re.search(r"^host: (.*)$", version, re.M).group(1)
    found = f"{sysroot}/lib/rustlib/{machine}/bin/gcc-ld/ld64.lld"
    try:
        subprocess.run([found, "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as why:
        raise MissingTool("this Rust has no ld64.lld") from why
    return found


def write_sdk(tools, sdk):
    """Text files that name what the system's libraries export (TBD, version 4)."""
    for name, symbols in FRAMEWORKS.items():
        folder = sdk / f"System/Library/Frameworks/{name}.framework"
        install_name = f"/System/Library/Frameworks/{name}.framework/Versions/A/{name}"
        write(folder / f"{name}.tbd", TBD.format(install_name=install_name, symbols=", ".join(symbols.split())))
    # The standard library names it, and uses nothing of it.
    write(sdk / "usr/lib/libiconv.tbd", TBD.format(install_name="/usr/lib/libiconv.2.dylib", symbols="_iconv"))
    system = (tools.zig.parent / "lib/libc/darwin/libSystem.tbd").read_text()
    # lld does not know this architecture.
    system = re.sub(r",\s*arm64e\.x1-\w+|arm64e\.x1-\w+,\s*", "", system)
    for name in ["libSystem", "libc", "libm"]:
        write(sdk / f"usr/lib/{name}.tbd", system)
    return sdk


def write(path, text):
    """Writes a file, unless it is as it should be already, because another build may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
