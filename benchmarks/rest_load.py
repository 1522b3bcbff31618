"""Small questions to a scheduler's REST, from a process of their own.

    .venv/bin/python -m benchmarks.rest_load PORT [--connections N] [--seconds S]

Each connection is kept and asks the next question when it has the last answer, or, with
``--rate``, when its turn comes; a question that had to wait for its turn is late from
then on. Prints one JSON document.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

HOST = "127.0.0.1"
_END_OF_HEADER = b"\r\n\r\n"
_LENGTH = b"content-length:"
_GOOD = b"HTTP/1.1 200 "
_ERROR = b'{"it":{"error"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What there is to ask about."""

    jobs: int
    hosts: int
    shards: int

    def job(self, rng: random.Random) -> str:
        """Return the name of a job."""
        return f"job{rng.randrange(self.jobs)}"

    def node(self, rng: random.Random) -> str:
        """Return the name of a node of the lowest level."""
        host = rng.randrange(1, self.hosts + 1)
        return f"host{host}s{rng.randrange(1, self.shards + 1)}"


@dataclass(slots=True, kw_only=True)
class Answers:
    """What came of the questions."""

    sec: dict[str, list[float]] = field(default_factory=dict)
    """How long each took, by the word for it."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Answers that are not what was asked for, by their beginning."""

    def report(self, took: float) -> dict[str, object]:
        """Return what is printed."""
        everything = sorted(sec for some in self.sec.values() for sec in some)
        return {
            "a_second": len(everything) / took,
            **_spread(everything),
            "each": {word: _spread(sorted(sec)) for word, sec in self.sec.items()},
            "wrong": dict(self.wrong),
        }


def _spread(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {}
    return {
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        "max_ms": 1000 * ordered[-1],
    }


def questions(shape: Shape, rng: random.Random, port: int) -> list[tuple[str, bytes]]:
    """Return the small questions that people and scripts ask, each about something."""
    job, node = shape.job(rng), shape.node(rng)
    host = f"Host: {HOST}:{port}\r\n".encode()
    asked: dict[str, dict[str, object]] = {
        "stats": {},
        "running_tasks": {"jobs": [job]},
        "why": {"job": job, "node": node},
        "jobs": {"jobs": [job]},
        "tasks": {"job": job, "limit": 10},
    }
    found = []
    for handler, values in asked.items():
        body = json.dumps({"it": {"handler": handler, **values}}).encode()
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        found.append((handler, b"POST / HTTP/1.1\r\n" + host + length + body))
    return [*found, ("healthz", b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n")]


class Asking(asyncio.Protocol):
    """One connection."""

    def __init__(
        self, asked: list[tuple[str, bytes]], answers: Answers, every: float
    ) -> None:
        """``every``: seconds from one question to the next; 0: from its answer on."""
        self._asked = asked
        self._answers = answers
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._due = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it, and ask the first question soon."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._due = time.perf_counter() + random.random() * self._every
        self._later()

    def data_received(self, data: bytes) -> None:
        """Ask on when the answer is there."""
        self._buffer += data
        header, end, body = self._buffer.partition(_END_OF_HEADER)
        if not end:
            return
        _, found, rest = header.lower().partition(_LENGTH)
        if not found:
            raise ValueError(f"no length: {header!r}")
        if len(body) < int(rest.partition(b"\r")[0]):
            return
        word = self._asked[self._number % len(self._asked)][0]
        took = time.perf_counter() - self._due
        self._answers.sec.setdefault(word, []).append(took)
        if not header.startswith(_GOOD) or body.startswith(_ERROR):
            said = (header.partition(b"\r")[0] + b" " + body)[:120]
            self._answers.wrong[f"{word}: {said.decode(errors='replace')}"] += 1
        self._buffer = b""
        self._number += 1
        self._due = self._due + self._every if self._every else time.perf_counter()
        self._later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it: nobody closes it before the end."""
        self._answers.wrong[f"the connection was closed: {exc}"] += 1

    def _later(self) -> None:
        wait = self._due - time.perf_counter()
        if wait > 0:
            self._loop.call_later(wait, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._asked[self._number % len(self._asked)][1])


async def ask(
    port: int,
    shape: Shape,
    *,
    connections: int,
    seconds: float,
    rate: float,
    only: str | None = None,
) -> dict[str, object]:
    """Return what came of asking for so long, ``rate`` questions a second in all.

    ``only``: the word for the one question to ask.
    """
    loop, answers, rng = asyncio.get_running_loop(), Answers(), random.Random(1)
    every = connections / rate if rate else 0.0
    made = []
    began = time.perf_counter()
    for number in range(connections):
        asked = questions(shape, rng, port)
        asked = [one for one in asked if only in (None, one[0])]
        asked = asked[number % len(asked) :] + asked[: number % len(asked)]
        make = partial(Asking, asked, answers, every)
        transport, _ = await loop.create_connection(make, HOST, port)
        made.append(transport)
    await asyncio.sleep(seconds)
    report = answers.report(time.perf_counter() - began)
    for transport in made:
        transport.abort()
    return report


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description="many small questions")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0, help="0: as fast as it can")
    parser.add_argument("--only", help="stats, why, … or healthz, and nothing else")
    parser.add_argument("--shape", type=int, nargs=3, default=(400, 10, 25))
    asked = parser.parse_args()
    jobs, hosts, shards = asked.shape
    report = asyncio.run(
        ask(
            asked.port,
            Shape(jobs=jobs, hosts=hosts, shards=shards),
            connections=asked.connections,
            seconds=asked.seconds,
            rate=asked.rate,
            only=asked.only,
        )
    )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
