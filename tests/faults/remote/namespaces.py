"""Scheduler and workers with a network of their own each, joined by veth pairs."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress

from tests.faults.needs import need, need_program, need_root

SWALLOWS = ("root", "tbf", "rate", "8bit", "burst", "10", "latency", "1ms")
"""A queue that no packet fits into: nothing goes out that way."""


def need_namespaces() -> None:
    """Go on if namespaces, veth pairs and queues can be made here."""
    need_root()
    need_program("ip")
    need_program("tc")
    name = "bt-probe"
    made: Sequence[Sequence[str]] = (
        ("ip", "netns", "add", name),
        ("ip", "-n", name, "link", "add", "va", "type", "veth", "peer", "name", "vb"),
        ("tc", "-n", name, "qdisc", "add", "dev", "va", *SWALLOWS),
    )
    works = [_run(*words).returncode == 0 for words in made]
    _run("ip", "netns", "del", name)
    need(all(works), "network namespaces with veth and the queue tbf")


class Namespaces:
    """A namespace for the scheduler, and one for each worker."""

    def __init__(self, mark: int) -> None:
        self._name = f"bt{mark % 10**6}"
        self._shards: list[str] = []

    def open(self, port: int, shards: Sequence[str]) -> None:
        self._port = port
        self._shards = [*shards]
        for name in self._names:
            _ok("ip", "netns", "add", name)
            _ok("ip", "-n", name, "link", "set", "lo", "up")
        for shard in shards:
            self.plug(shard)

    def close(self) -> None:
        for name in self._names:
            _run("ip", "netns", "del", name)

    def scheduler_words(self) -> tuple[Sequence[str], Sequence[str]]:
        words = ("ip", "netns", "exec", self._scheduler)
        return words, ("--server-address", "0.0.0.0")

    def worker_words(self, shard: str) -> tuple[Sequence[str], str, int]:
        words = ("ip", "netns", "exec", self._worker(shard))
        return words, self._address(shard, 1), self._port

    def heal(self) -> None:
        for shard in self._shards:
            self.plug(shard)
            for way_up in (True, False):
                self.pass_on(shard, is_up=way_up)
                self.link(shard, is_workers=way_up, is_on=True)

    # What can happen.

    def plug(self, shard: str) -> None:
        """Make the cable of a worker, if there is none."""
        ours, theirs = self._device(shard), "up0"
        if _run("ip", "-n", self._scheduler, "link", "show", ours).returncode == 0:
            return
        _ok(
            *("ip", "-n", self._scheduler, "link", "add", ours, "type", "veth"),
            *("peer", "name", theirs, "netns", self._worker(shard)),
        )
        for name, device, last in (
            (self._scheduler, ours, 1),
            (self._worker(shard), theirs, 2),
        ):
            address = f"{self._address(shard, last)}/30"
            _ok("ip", "-n", name, "addr", "add", address, "dev", device)
            _ok("ip", "-n", name, "link", "set", device, "up")

    def unplug(self, shard: str) -> None:
        """Take the cable away: neither side hears of it."""
        _ok("ip", "-n", self._scheduler, "link", "del", self._device(shard))

    def link(self, shard: str, *, is_workers: bool, is_on: bool) -> None:
        """Set one end of the cable up or down."""
        name, device = self._end(shard, is_workers=is_workers)
        _ok("ip", "-n", name, "link", "set", device, "up" if is_on else "down")

    def swallow(self, shard: str, *, is_up: bool) -> None:
        """Let nothing through one way; the other way stays as it is."""
        name, device = self._end(shard, is_workers=is_up)
        _ok("tc", "-n", name, "qdisc", "replace", "dev", device, *SWALLOWS)

    def pass_on(self, shard: str, *, is_up: bool) -> None:
        name, device = self._end(shard, is_workers=is_up)
        # There may be nothing to take away.
        with suppress(subprocess.CalledProcessError):
            _ok("tc", "-n", name, "qdisc", "del", "dev", device, "root")

    def slow(self, shard: str, *, is_up: bool) -> None:
        """Let 32 kbit/s through one way."""
        name, device = self._end(shard, is_workers=is_up)
        queue = ("root", "tbf", "rate", "32kbit", "burst", "2000", "latency", "2s")
        _ok("tc", "-n", name, "qdisc", "replace", "dev", device, *queue)

    @property
    def _scheduler(self) -> str:
        return f"{self._name}-s"

    @property
    def _names(self) -> list[str]:
        return [self._scheduler, *map(self._worker, self._shards)]

    def _worker(self, shard: str) -> str:
        return f"{self._name}-{shard}"

    def _device(self, shard: str) -> str:
        return f"to-{shard}"

    def _address(self, shard: str, last: int) -> str:
        return f"10.251.{self._shards.index(shard)}.{last}"

    def _end(self, shard: str, *, is_workers: bool) -> tuple[str, str]:
        if is_workers:
            return self._worker(shard), "up0"
        return self._scheduler, self._device(shard)


def _run(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(words, capture_output=True, timeout=60)


def _ok(*words: str) -> None:
    _run(*words).check_returncode()
