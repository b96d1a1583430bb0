"""Runs the relays of examples/relay, in nginx and in Caddy, between the library and a collector that stands for Google
and for OpenTelemetry."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import PATIENCE, ROOT, Collector, Library

CREDENTIALS = "measurement_id=G-RELAY&api_secret=only-the-relay"
TOKEN = "token-of-the-relay"


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


class Relay:
    """A documented configuration, with this machine's ports and files in the place of those of a real server."""

    def __init__(self, folder, certified):
        self.folder = folder
        self.port = free_port()
        folder.mkdir()
        self.chain, self.key, self.authority = certified

    def start(self, words, **environment):
        with open(self.folder / "start.log", "w") as log:
            environment = {**os.environ, **environment}
            self.child = subprocess.Popen([str(word) for word in words], stderr=log, env=environment)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                is_running = time.monotonic() < end and self.child.poll() is None
                assert is_running, f"it does not start: {(self.folder / 'start.log').read_text()}"
                time.sleep(0.02)

    def ask(self, method="POST", path="/mp/collect", body=b"{}", **headers):
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=context)
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


class Nginx(Relay):
    refused_method = 403
    config = "nginx.conf"

    def __init__(self, folder, certified, google, collector):
        super().__init__(folder, certified)
        credentials = folder / "credentials.conf"
        template = (ROOT / "examples/relay/credentials.conf").read_text()
        credentials.write_text(
            replaced(
                template,
                [
                    ("measurement_id=G-XXXXXXXXXX&api_secret=XXXXXXXXXXXXXXXXXXXXXX", CREDENTIALS),
                    ("Bearer XXXXXXXX", f"Bearer {TOKEN}"),
                ],
            )
        )
        text = replaced(
            (ROOT / "examples/relay/nginx.conf").read_text(),
            [
                ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
                ("/etc/ssl/relay/certificate.pem", self.chain),
                ("/etc/ssl/relay/key.pem", self.key),
                ("/etc/nginx/pact-telemetry-credentials.conf", credentials),
                ("server www.google-analytics.com:443;", f"server {google.url.split('//')[1]};"),
                ("server 127.0.0.1:4318;", f"server {collector.url.split('//')[1]};"),
                ("/etc/ssl/certs/ca-certificates.crt", google.authority),
            ],
        )
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text = text.replace("http {", f"http {{\n    {kind}_temp_path {folder}/{kind};", 1)
        path = folder / self.config
        path.write_text(f"daemon off;\npid {folder}/pid;\nuser {user()};\n{text}")
        words = ["nginx", "-p", folder, "-c", path, "-e", folder / "error.log"]
        checked = subprocess.run([*words, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        self.start(words)


class Caddy(Relay):
    refused_method = 404
    config = "Caddyfile"

    def __init__(self, folder, certified, google, collector):
        super().__init__(folder, certified)
        trust = f"tls_server_name www.google-analytics.com\ntls_trusted_ca_certs {google.authority}"
        behind = f"reverse_proxy {google.url} {{\ntransport http {{\n{trust}\n}}"
        text = replaced(
            (ROOT / "examples/relay/Caddyfile").read_text(),
            [
                # Uses no port of this machine except the test's own.
                ("log default {", "admin off\nauto_https disable_redirects\nlog default {"),
                ("telemetry.example.org {", f"https://localhost:{self.port} {{\ntls {self.chain} {self.key}"),
                ("reverse_proxy https://www.google-analytics.com {", behind),
                ("reverse_proxy 127.0.0.1:4318 {", f"reverse_proxy {collector.url} {{"),
            ],
        )
        path = folder / self.config
        path.write_text(text)
        environment = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        words = ["caddy", "run", "--config", path, "--adapter", "caddyfile"]
        self.start(words, GOOGLE_CREDENTIALS=CREDENTIALS, COLLECTOR_TOKEN=TOKEN, **environment)


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
            assert headers["authorization"] == f"Bearer {TOKEN}", headers
        own = {"user-agent": "Go-http-client/1.1", "accept-encoding": "gzip"}  # Caddy's client says so of itself
        headers = {name: value for name, value in headers.items() if own.get(name) != value}
        assert set(headers) <= {"host", "content-type", "content-length", "authorization"}, headers
        assert headers["content-type"] == "application/json", headers
        assert client.close() == 0
    print("ok: the library's events arrive with the relay's credentials, over TLS")


def nothing_of_a_client_goes_further(relay, google, collector):
    for path, behind in (("/mp/collect", google), ("/v1/logs", collector)):
        relay.ask(
            path=f"{path}?api_secret=forged&x=1",
            **{
                "X-Forwarded-For": "192.0.2.7",
                "Cookie": "a=b",
                "Forwarded": "for=192.0.2.7",
                "Authorization": "forged",
                "X-Real-IP": "192.0.2.7",
                "Via": "1.1 192.0.2.7",
                "User-Agent": "ann's machine",
            },
        )
        line = lines_until(behind, "request")
        assert line["target"] == (f"{path}?{CREDENTIALS}" if behind is google else path), line["target"]
        text = json.dumps(line)
        for mine in ("192.0.2.7", "127.0.0.1", "ann", "forged", "a=b"):
            assert mine not in text.replace(behind.url.split("//")[1], ""), (mine, line)
    print("ok: no header and no query of a client goes further")


def what_is_not_asked_for_is_refused(relay):
    for expected, question in [
        (404, {"path": "/"}),
        (404, {"path": "/mp/collect/x"}),
        (404, {"path": "/g/collect"}),
        (relay.refused_method, {"method": "GET", "body": None}),
        (relay.refused_method, {"method": "DELETE", "body": None}),
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
    # Two requests a second are still taken. So others ask meanwhile, and the library may have to try again.
    for _ in range(20):
        client = library.client(endpoint=f"https://localhost:{relay.port}")
        with asking(relay):
            assert client.track("Pacts verified", "ProviderTest", "Completed", 3) == 0
            client.flush()
        stats = client.stats()
        client.close()
        assert stats["delivered"] + stats["spooled"] == 1 and not any(stats["dropped"].values()), stats
        if stats["spooled"]:
            break
    assert stats["spooled"] == 1, stats
    count = len(statuses) - 1
    print(f"ok: after {count} requests the relay answers 429 with Retry-After, and the library keeps its event")


@contextlib.contextmanager
def asking(relay):
    """Other threads send requests all the time, until the end of the block."""
    is_over = threading.Event()

    def ask():
        while not is_over.is_set():
            relay.ask()

    others = [threading.Thread(target=ask) for _ in range(2)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        is_over.set()
        for other in others:
            other.join()


def no_address_is_on_its_disk(relay):
    """Also after faults of the server behind, which is gone by now."""
    assert relay.ask(path="/v1/logs").status in (429, 502)
    given = ("nginx.conf", "credentials.conf", "Caddyfile", "autosave.json")  # the last is Caddy's copy of its own
    written = [path for path in relay.folder.rglob("*") if path.is_file() and path.name not in given]
    for path in written:
        assert b"127.0.0.1" not in path.read_bytes(), path
    assert not Path("/var/log/nginx/access.log").exists() or not recent("/var/log/nginx/access.log")
    print(f"ok: no address in the {len(written)} files that it wrote")


def recent(path):
    return time.time() - Path(path).stat().st_mtime < 60


def with_servers(google_certified, test):
    """Runs a test with the collector that stands for Google and the one that stands for OpenTelemetry."""
    chain, key, authority = google_certified
    with Collector("--requests", "--tls-cert", chain, "--tls-key", key) as google:
        google.authority = authority
        with Collector("--requests") as collector:
            test(google, collector)


def main(kinds):
    library = Library()
    folder = Path(tempfile.mkdtemp(prefix="pact-relay-"))
    # The library reads the trusted roots once per process, so both relays have the same certificate.
    certified = certificate(folder, "relay", "DNS:localhost")
    google_certified = certificate(folder, "google", "DNS:www.google-analytics.com")
    try:
        for kind in kinds:

            def run(google, collector, kind=kind):
                with kind(folder / kind.__name__, certified, google, collector) as relay:
                    print(f"== {kind.__name__} with examples/relay/{kind.config}", flush=True)
                    the_librarys_events_arrive_with_the_relays_credentials(library, relay, google, collector)
                    nothing_of_a_client_goes_further(relay, google, collector)
                    what_is_not_asked_for_is_refused(relay)
                    a_body_of_the_protocols_size_is_taken(relay)
                    if kind is Nginx:  # Caddy has no limit of rates of its own
                        a_flood_is_answered_429_and_the_library_keeps_its_events(library, relay)
                    collector.__exit__()
                    no_address_is_on_its_disk(relay)

            with_servers(google_certified, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main([{"nginx": Nginx, "caddy": Caddy}[name] for name in sys.argv[1:]])
