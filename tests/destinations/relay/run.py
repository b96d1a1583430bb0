"""Runs examples/relay/nginx.conf between the library and a collector that stands for Google and for OpenTelemetry."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import PATIENCE, ROOT, Collector, Library

CREDENTIALS = "measurement_id=G-RELAY&api_secret=only-the-relay"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def certificate(folder, name, names):
    """A certificate for these names, its key, and the certificate of the authority that made it."""
    authority, key, chain = folder / f"{name}-authority", folder / f"{name}.key", folder / f"{name}.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    own = ["-subj", f"/CN={name} authority", "-keyout", f"{authority}.key", "-out", f"{authority}.pem"]
    subprocess.run([*words, *own], check=True, capture_output=True)
    signed = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-subj", f"/CN={name}"]
    signed += ["-keyout", key, "-out", chain]
    more = ["-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*words, *signed, *more], check=True, capture_output=True)
    return chain, key, Path(f"{authority}.pem")


class Nginx:
    """The documented configuration, with this machine's ports and files in the place of those of a real server."""

    def __init__(self, folder, google, collector, changes=()):
        self.folder = folder
        self.port = free_port()
        chain, key, self.authority = certificate(folder, "relay", "IP:127.0.0.1,DNS:localhost")
        credentials = folder / "credentials.conf"
        template = (ROOT / "examples/relay/credentials.conf").read_text()
        credentials.write_text(
            replaced(
                template,
                [
                    ("measurement_id=G-XXXXXXXXXX&api_secret=XXXXXXXXXXXXXXXXXXXXXX", CREDENTIALS),
                    ("Bearer XXXXXXXX", "Bearer token-of-the-relay"),
                ],
            )
        )
        text = replaced(
            (ROOT / "examples/relay/nginx.conf").read_text(),
            [
                ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
                ("/etc/ssl/relay/certificate.pem", chain),
                ("/etc/ssl/relay/key.pem", key),
                ("/etc/nginx/pact-telemetry-credentials.conf", credentials),
                ("server www.google-analytics.com:443;", f"server {google.url.split('//')[1]};"),
                ("server 127.0.0.1:4318;", f"server {collector.url.split('//')[1]};"),
                ("/etc/ssl/certs/ca-certificates.crt", folder / "google-authority.pem"),
                *changes,
            ],
        )
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text = text.replace("http {", f"http {{\n    {kind}_temp_path {folder}/{kind};", 1)
        path = folder / "nginx.conf"
        path.write_text(f"daemon off;\npid {folder}/pid;\nuser {user()};\n{text}")
        words = ["nginx", "-p", folder, "-c", path, "-e", folder / "start.log"]
        checked = subprocess.run([*words, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        self.child = subprocess.Popen(words)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end and self.child.poll() is None, "nginx does not start"
                time.sleep(0.02)

    def ask(self, method="POST", path="/mp/collect", body=b"{}", **headers):
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
        connection.request(method, path, body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(PATIENCE)


def user():
    return "root" if os.getuid() == 0 else "nobody"  # which nginx ignores where it is not root


def replaced(text, changes):
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the example"
        text = text.replace(old, str(new))
    return text


def lines_until(collector, kind):
    while True:
        line = collector.next()
        if line["type"] == kind:
            return line


def the_librarys_events_arrive_with_the_relays_credentials(library, relay, google, collector):
    os.environ["SSL_CERT_FILE"] = str(relay.authority)
    for config, behind in (({}, google), ({"protocol": "otlp"}, collector)):
        client = library.client(endpoint=f"https://localhost:{relay.port}", **config)
        assert client.track("Pacts verified", "ProviderTest", "Completed", 3, "relay", "1") == 0
        assert client.flush() == 0, client.stats()
        request, event = lines_until(behind, "request"), lines_until(behind, "event")
        assert event["fields"]["event"] == "Pacts verified" and event["problems"] == [], event
        headers = request["headers"]
        if behind is google:
            assert request["target"] == f"/mp/collect?{CREDENTIALS}", request["target"]
            assert headers["host"] == "www.google-analytics.com", headers
        else:
            assert request["target"] == "/v1/logs"
            assert headers["authorization"] == "Bearer token-of-the-relay", headers
        assert set(headers) <= {"host", "content-type", "content-length", "authorization"}, headers
        assert client.close() == 0
    print("ok: the library's events arrive with the relay's credentials, over TLS")


def nothing_of_a_client_goes_further(relay, google):
    relay.ask(
        path="/mp/collect?api_secret=forged&x=1",
        **{
            "X-Forwarded-For": "192.0.2.7",
            "Cookie": "a=b",
            "Forwarded": "for=192.0.2.7",
            "User-Agent": "ann's machine",
        },
    )
    line = lines_until(google, "request")
    assert line["target"] == f"/mp/collect?{CREDENTIALS}", line["target"]
    assert "192.0.2.7" not in json.dumps(line) and "ann" not in json.dumps(line), line
    print("ok: no header and no query of a client goes further")


def what_is_not_asked_for_is_refused(relay):
    for expected, question in [
        (404, {"path": "/"}),
        (404, {"path": "/mp/collect/x"}),
        (404, {"path": "/g/collect"}),
        (403, {"method": "GET", "body": None}),
        (403, {"method": "DELETE", "body": None}),
        (413, {"body": b"x" * 133_121}),
        (413, {"path": "/v1/logs", "body": b"x" * 1_048_577}),
    ]:
        answer = relay.ask(**question)
        assert answer.status == expected, f"{question.get('path')} {question.get('method')}: {answer.status}"
    print("ok: other paths, methods and sizes are refused")


def a_body_of_the_protocols_size_is_taken(relay):
    assert relay.ask(body=b"x" * 129_999).status == 204
    assert relay.ask(path="/v1/logs", body=b" " * 999_998 + b"{}").status == 200
    print("ok: the largest bodies of both protocols are taken")


def a_flood_is_answered_429_and_the_library_keeps_its_events(library, relay):
    statuses = []
    for _ in range(200):
        answer = relay.ask()
        statuses.append(answer.status)
        if answer.status == 429:
            assert answer.headers["Retry-After"] == "60", answer.headers
            break
    assert statuses[-1] == 429 and statuses.count(204) >= 20, statuses
    client = library.client(endpoint=f"https://localhost:{relay.port}")
    for _ in range(10):
        relay.ask()  # so that the bucket is full when the library comes
    assert client.track("Pacts verified", "ProviderTest", "Completed", 3) == 0
    client.flush()
    stats = client.stats()
    assert stats["delivered"] == 0 and stats["spooled"] == 1 and not any(stats["dropped"].values()), stats
    client.close()
    count = len(statuses) - 1
    print(f"ok: after {count} requests the relay answers 429 with Retry-After, and the library keeps its event")


def no_address_is_on_its_disk(relay):
    """Also after faults of the server behind, which is gone by now."""
    assert relay.ask(path="/v1/logs").status in (429, 502)
    given = (".pem", ".key", ".conf")
    written = [path for path in relay.folder.rglob("*") if path.is_file() and path.suffix not in given]
    for path in written:
        assert b"127.0.0.1" not in path.read_bytes(), path
    assert not Path("/var/log/nginx/access.log").exists() or not recent("/var/log/nginx/access.log")
    print(f"ok: no address in the {len(written)} files that it wrote")


def recent(path):
    return time.time() - Path(path).stat().st_mtime < 60


def main():
    library = Library()
    folder = Path(tempfile.mkdtemp(prefix="pact-relay-"))
    try:
        chain, key, _ = certificate(folder, "google", "DNS:www.google-analytics.com")
        with Collector("--requests", "--tls-cert", chain, "--tls-key", key) as google:
            with Collector("--requests") as collector:
                relay = Nginx(folder, google, collector)
                with relay:
                    the_librarys_events_arrive_with_the_relays_credentials(library, relay, google, collector)
                    nothing_of_a_client_goes_further(relay, google)
                    what_is_not_asked_for_is_refused(relay)
                    a_body_of_the_protocols_size_is_taken(relay)
                    a_flood_is_answered_429_and_the_library_keeps_its_events(library, relay)
                    collector.__exit__()
                    no_address_is_on_its_disk(relay)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
