"""Puts the events of a multiprocessing worker on disk, or delivers them, before the worker ends.

A worker that was forked ends by `os._exit`, which runs no exit handlers, and so not the library's either.
multiprocessing has a registry of its own for what a worker does last. This module imports nothing of multiprocessing,
because a process that is not a worker does not need it.
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
            """Return how many milliseconds the exit of the process may take."""
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
    """Finishes the events of this process if it is a worker.

    There is one object, below, because multiprocessing refers to it only by a weak reference.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.clients: WeakSet[Waiting] = WeakSet()
        # The newest clients that a worker made. Their events may still wait when nothing else refers to the clients.
        self.kept: deque[Waiting] = deque(maxlen=64)

    def add(self, client: Waiting) -> None:
        """Remember a client that was made."""
        self.clients.add(client)
        self.watch()
        if self.is_worker():
            self.kept.append(client)

    def watch(self) -> None:
        """Make sure that a worker finishes its events: this process if it is one, and those that it forks."""
        util = sys.modules.get("multiprocessing.util")
        if util is None or self.pid == os.getpid():
            return
        self.pid = os.getpid()
        # A worker that was just forked clears its registry first, and then calls what is registered here.
        util.register_after_fork(self, Worker.register)
        self.register()

    def register(self) -> None:
        """Register `finish` in a worker. In any other process the library's own exit handler does the same."""
        if self.is_worker():
            sys.modules["multiprocessing.util"].Finalize(None, self.finish, exitpriority=LAST)

    def is_worker(self) -> bool:
        """Return whether multiprocessing started this process."""
        process = sys.modules.get("multiprocessing.process")
        return process is not None and process.parent_process() is not None

    def finish(self) -> None:
        """Do what the library does at the exit of any other process, within the time that this may take.

        First everything is put on disk. Then it waits for answers: if the worker ended during a request, the next
        process would send the request again.
        """
        clients = list(self.clients)
        deadline = time.monotonic() + max((client.exit_timeout_ms() for client in clients), default=0) / 1000
        for step in ("persist", "flush"):
            for client in clients:
                getattr(client, step)(max(0, int((deadline - time.monotonic()) * 1000)))


worker = Worker()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker.watch)
