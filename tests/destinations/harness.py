"""A running collector and the built library, for the tests of the destinations. Needs nothing but Python 3.8."""

import ctypes
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "destinations"
COMMAND = Path(os.environ.get("PACT_TELEMETRY_COMMAND", ROOT / "target/debug/pact-telemetry"))
LIBRARY = Path(os.environ.get("PACT_TELEMETRY_LIBRARY", ROOT / "build/lib/libpact_telemetry.so"))
PATIENCE = 60  # seconds for an event that a test waits for; nothing takes this long unless it fails

for name in list(os.environ):
    is_setting = name.startswith(("PACT_TELEMETRY_", "SSL_CERT_")) or "PROXY" in name.upper()
    if is_setting or name.upper().endswith("DO_NOT_TRACK"):
        del os.environ[name]
os.environ["CI"] = "true"  # there events are sent at once


class Process:
    """A program that ends with the test, and the lines that it prints."""

    def __init__(self, words, stream="stdout", **options):
        options[stream] = subprocess.PIPE
        self.child = subprocess.Popen([str(word) for word in words], text=True, **options)
        self.lines = queue.Queue()
        self.stream = getattr(self.child, stream)
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.stream], daemon=True).start()

    def line(self):
        return self.lines.get(timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(PATIENCE)
        self.stream.close()


class Collector(Process):
    """`pact-telemetry collect`."""

    def __init__(self, *arguments, **options):
        super().__init__([COMMAND, "collect", *arguments], stderr=subprocess.DEVNULL, **options)
        self.url = json.loads(self.line())["url"]

    def next(self):
        return json.loads(self.line())


class Library:
    """The C functions that the tests need."""

    def __init__(self):
        functions = self.functions = ctypes.CDLL(str(LIBRARY))
        text, number = ctypes.c_char_p, ctypes.c_int32
        functions.pact_telemetry_new.restype = ctypes.c_void_p
        functions.pact_telemetry_new.argtypes = [text, ctypes.c_char_p, ctypes.c_uint32]
        event = [ctypes.c_void_p, text, text, text, ctypes.c_int64, text, text]
        functions.pact_telemetry_track.argtypes = event
        functions.pact_telemetry_preview.argtypes = [*event, ctypes.c_char_p, ctypes.c_uint32]
        functions.pact_telemetry_stats.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
        functions.pact_telemetry_flush.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        functions.pact_telemetry_close.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        functions.pact_telemetry_free.argtypes = [ctypes.c_void_p]
        for function in ("track", "flush", "close", "preview", "stats"):
            getattr(functions, f"pact_telemetry_{function}").restype = number

    def client(self, **config):
        return Client(self.functions, config)


class Client:
    """One client, with a state folder of its own."""

    def __init__(self, functions, config):
        self.functions = functions
        self.state = tempfile.mkdtemp(prefix="pact-telemetry-")
        library = {"id": "pact-test", "name": "Pact Test", "version": "1.2.3"}
        config = {"library": library, "state_dir": self.state, "notice": "shown", **config}
        error = ctypes.create_string_buffer(512)
        self.handle = functions.pact_telemetry_new(json.dumps(config).encode(), error, 512)
        if not self.handle:
            raise ValueError(error.value.decode())

    @staticmethod
    def texts(event, category, action, value, plugin_name=None, plugin_version=None):
        encoded = [text and text.encode() for text in (event, category, action, plugin_name, plugin_version)]
        return [*encoded[:3], value, *encoded[3:]]

    def track(self, *event):
        return self.functions.pact_telemetry_track(self.handle, *self.texts(*event))

    def preview(self, *event):
        return self.text("preview", *self.texts(*event))

    def stats(self):
        return self.text("stats")

    def text(self, function, *arguments):
        buffer = ctypes.create_string_buffer(65_536)
        getattr(self.functions, f"pact_telemetry_{function}")(self.handle, *arguments, buffer, len(buffer))
        return json.loads(buffer.value.decode())

    def flush(self):
        return self.functions.pact_telemetry_flush(self.handle, PATIENCE * 1000)

    def close(self):
        status = self.functions.pact_telemetry_close(self.handle, PATIENCE * 1000)
        self.functions.pact_telemetry_free(self.handle)
        shutil.rmtree(self.state, ignore_errors=True)
        return status
