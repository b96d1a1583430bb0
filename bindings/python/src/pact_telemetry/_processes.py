"""Has the events of a multiprocessing worker on disk, or delivered, before the worker ends.

Such a worker, if it was forked, ends by `os._exit`: no exit handler of the system runs, and so none of the library's.
multiprocessing has a registry of its own for what a worker does last. Nothing of multiprocessing is imported here: a
process that is no worker has no use for it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Waiting(Protocol):
        """A client whose events may still wait."""

        def exit_timeout_ms(self) -> int:
            """Return how long the end of the process may take."""
            ...

        def persist(self, timeout_ms: int) -> int:
            """Wait until all that was accepted is on disk."""
            ...

        def flush(self, timeout_ms: int) -> int:
            """Wait until all that was accepted is answered."""
            ...


LAST = -1000
"""The priority of what runs last in a worker."""


class Worker:
    """What this process is to multiprocessing. There is one, below, which multiprocessing holds by a weak reference."""

    def __init__(self) -> None:
        self.pid = 0
        self.clients: WeakSet[Waiting] = WeakSet()
        # In a worker, the newest that it made: what they accepted may still wait when nothing refers to them any more.
        self.kept: deque[Waiting] = deque(maxlen=64)

    def add(self, client: Waiting) -> None:
        """Remember a client that was made."""
        self.clients.add(client)
        self.watch()
        if self.is_worker():
            self.kept.append(client)

    def watch(self) -> None:
        """See to it that a worker finishes its events, whether this process is one already or is about to be one."""
        util = sys.modules.get("multiprocessing.util")
        if util is None or self.pid == os.getpid():
            return
        self.pid = os.getpid()
        # A worker that was just forked empties its registry first, and then calls what is registered here.
        util.register_after_fork(self, Worker.register)
        self.register()

    def register(self) -> None:
        """Register `finish` in a worker. In another process the library's own exit handler does the same."""
        if self.is_worker():
            sys.modules["multiprocessing.util"].Finalize(None, self.finish, exitpriority=LAST)

    def is_worker(self) -> bool:
        """True in a child that multiprocessing started."""
        process = sys.modules.get("multiprocessing.process")
        return process is not None and process.parent_process() is not None

    def finish(self) -> None:
        """Do what the library does at the end of another process, within the time that this may take.

        First everything is put on disk. Then it waits for answers: a request that is under way when the worker ends
        would be sent again by the next process.
        """
        clients = list(self.clients)
        deadline = time.monotonic() + max((client.exit_timeout_ms() for client in clients), default=0) / 1000
        for step in ("persist", "flush"):
            for client in clients:
                getattr(client, step)(max(0, int((deadline - time.monotonic()) * 1000)))


worker = Worker()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker.watch)
