"""Maven Central takes one bundle: the Maven artifacts of packaging/pack with checksums and signatures, in a zip file.

    python3 packaging/maven_central.py upload

makes the bundle anew with signatures, sends it to Maven Central's portal, and waits until the portal has checked it
and publishes it. Everything comes from the environment:

    MAVEN_SIGNING_KEY           the secret OpenPGP key, ASCII-armoured; without it `packaging/pack` signs nothing
    MAVEN_SIGNING_PASSPHRASE    of that key; not set if the key has none
    MAVEN_USERNAME, MAVEN_PASSWORD    the user token of the portal
    MAVEN_PORTAL_URL            the base URL of the portal's Publisher API; the portal's documentation names it
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

from shared import DIST, PACKAGES, VERSION, Failed, NotThere, need

ARTIFACTS = PACKAGES / "maven"
BUNDLE = DIST / "maven-bundle.zip"
CHECKSUMS = (".md5", ".sha1", ".sha256", ".sha512")
SECONDS = 600  # for one request
CHECK_SECONDS = 3600  # for the portal's own checks, which usually take minutes
PAUSE_SECONDS = 10


def bundle(file=None):
    """Writes the bundle; signed if MAVEN_SIGNING_KEY is set. Returns how many signatures it holds."""
    files = sorted(path for path in ARTIFACTS.rglob("*") if path.is_file())
    if not files:
        raise Failed(f"there are no artifacts in {ARTIFACTS}: run `make dist`")
    signatures = 0
    with signer() as sign, zipfile.ZipFile(file or BUNDLE, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            name = path.relative_to(ARTIFACTS).as_posix()
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
            if sign and path.suffix not in CHECKSUMS:
                archive.writestr(zipfile.ZipInfo(f"{name}.asc"), sign(path), zipfile.ZIP_DEFLATED)
                signatures += 1
    return signatures


@contextlib.contextmanager
def signer():
    """Yields a function that returns a file's detached signature, or None without a key."""
    key, passphrase = os.environ.get("MAVEN_SIGNING_KEY"), os.environ.get("MAVEN_SIGNING_PASSPHRASE", "")
    if not key:
        yield None
        return
    need("gpg")
    home = tempfile.mkdtemp(prefix="gpg-")  # readable by nobody else; the key never reaches the person's own keyring

    def gpg(*arguments, text):
        command = ["gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", *map(str, arguments)]
        done = subprocess.run(command, input=text.encode(), capture_output=True)
        if done.returncode != 0:
            raise Failed(f"gpg {arguments[-1]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def sign(path):
        options = ("--pinentry-mode", "loopback", "--passphrase-fd", "0", "--armor", "--output", "-")
        return gpg(*options, "--detach-sign", path, text=f"{passphrase}\n")

    try:
        gpg("--import", text=key)
        yield sign
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], stderr=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


def upload(pause=PAUSE_SECONDS):
    """Sends a signed bundle to the portal, and waits for the verdict."""
    missing = [name for name in ("MAVEN_SIGNING_KEY", "MAVEN_PORTAL_URL", *TOKEN) if not os.environ.get(name)]
    if missing:
        raise Failed(f"not set in the environment: {', '.join(missing)}")
    print(f"{BUNDLE}: {bundle()} signatures", flush=True)
    boundary = f"bundle-{os.urandom(16).hex()}"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="bundle"; filename="{BUNDLE.name}"\r\n'
    body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + BUNDLE.read_bytes()
    body += f"\r\n--{boundary}--\r\n".encode()
    name = f"telemetry {VERSION}"
    deployment = ask("upload", {"name": name, "publishingType": "AUTOMATIC"}, body, boundary).strip()
    print(f"deployment {deployment}", flush=True)
    deadline, state = time.monotonic() + CHECK_SECONDS, None
    while state not in ("PUBLISHING", "PUBLISHED"):
        answer = json.loads(ask("status", {"id": deployment}))
        if answer["deploymentState"] != state:
            state = answer["deploymentState"]
            print(state, flush=True)
        if state == "FAILED":
            raise Failed(f"the portal refused the bundle: {json.dumps(answer.get('errors'), indent=1)}")
        if time.monotonic() > deadline:
            raise Failed(f"the portal is still not done: {state}")
        if state not in ("PUBLISHING", "PUBLISHED"):
            time.sleep(pause)


TOKEN = ("MAVEN_USERNAME", "MAVEN_PASSWORD")


def ask(what, query, body=b"", boundary=None):
    """The portal's answer to a POST."""
    token = base64.b64encode(":".join(os.environ[name] for name in TOKEN).encode()).decode()
    headers = {"Authorization": f"Bearer {token}"}
    if boundary:
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    url = f"{os.environ['MAVEN_PORTAL_URL'].rstrip('/')}/{what}?{urllib.parse.urlencode(query)}"
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise Failed(f"the portal answered {error.code}: {error.read().decode(errors='replace')[:2000]}") from error
    except OSError as error:
        raise Failed(f"the portal cannot be reached: {error}") from error


if __name__ == "__main__":
    if sys.argv[1:] != ["upload"]:
        sys.exit(__doc__)
    try:
        upload()
    except (Failed, NotThere) as why:
        sys.exit(f"maven_central: {why}")
