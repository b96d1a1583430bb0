"""Puts the events of a forked child or of a multiprocessing worker on disk, or delivers them, before it ends.

A forked child often ends by `os._exit`, which runs no exit handlers, and so not the library's either: those of
multiprocessing, billiard (Celery) and pytest-forked do. A parent may also end it with a signal, as `with Pool()` does
as soon as it has the results. So in such a process each `track` waits until its event is on disk.

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

WAIT = 0.05
"""How many seconds such a process waits for the disk: this, plus a hundredth of the time that it has run, in all.

One wait takes about a third of a millisecond. A disk that stalls, or a process with many events, cannot take longer.
"""


class Worker:
    """Finishes the events of this process if it is a worker or another forked child.

    There is one object, below, because multiprocessing refers to it only by a weak reference.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.clients: WeakSet[Waiting] = WeakSet()
        # The newest clients that a worker made. Their events may still wait when nothing else refers to the clients.
        self.kept: deque[Waiting] = deque(maxlen=64)
        # Whether this process is a forked child or a worker; None if that was not looked up. Since when, and how many
        # seconds it has waited for the disk.
        self.may_be_killed: bool | None = None
        self.is_forked = False
        self.began = self.waited = 0.0

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
        self.may_be_killed = None
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

    def fork(self) -> None:
        """Begin anew in a child that was just forked."""
        self.is_forked, self.may_be_killed = True, None
        self.watch()

    def look_up(self, now: float) -> None:
        """Find out whether this process is a forked child or a worker, also one that still imports the main module."""
        process = sys.modules.get("multiprocessing.process")
        is_importing = process is not None and getattr(process.current_process(), "_inheriting", False)
        self.may_be_killed = self.is_forked or is_importing or self.is_worker() or _was_forked()
        self.began, self.waited = now, 0.0

    def hurry(self, client: Waiting) -> None:
        """Put on disk what this process has tracked, if it may end without exit handlers."""
        begun = time.monotonic()
        if self.may_be_killed is None:
            self.look_up(begun)
        if not self.may_be_killed:
            return
        left = int((WAIT + (begun - self.began) / 100 - self.waited) * 1000)
        # Otherwise the events go to disk together, as they do elsewhere: each call would make a file of its own.
        if left > 0:
            client.persist(left)
            self.waited += time.monotonic() - begun

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


def _was_forked() -> bool:
    """Return whether this process was forked and executed no program since, also if this module was not there yet."""
    try:
        with open("/proc/self/stat", "rb") as file:
            flags = file.read().rpartition(b")")[2].split()[6]
        return bool(int(flags) & 0x40)  # PF_FORKNOEXEC
    except (OSError, ValueError, IndexError):
        return False  # not Linux


worker = Worker()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker.fork)
