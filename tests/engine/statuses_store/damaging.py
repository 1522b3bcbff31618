"""Databases as a scheduler leaves them, and ways in which files are damaged."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, FAILED, INCOMPLETE
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.statuses_store.test_store import opened, status, task

Known = dict[TaskId, TaskStatus]


class Left(NamedTuple):
    """What a killed scheduler left: the files' contents, and what was shown."""

    database: bytes
    wal: bytes
    states: tuple[Known, ...]
    """What was stored after each commit, oldest first."""

    @property
    def known(self) -> Known:
        return self.states[-1]


def sample(number: int) -> TaskStatus:
    kinds = (
        status(DONE),
        status(FAILED, data={"exception": "x" * (number % 90)}),
        status(ERROR_BACKOFF, backoff_sec=60 * number),
        status(INCOMPLETE, data={"row": number, "long": "y" * (number * 37 % 6000)}),
    )
    return kinds[number % len(kinds)]


async def left_behind(directory: Path, *, rows: int, commits: int) -> Left:
    """Return a database with ``rows`` rows, and ``commits`` more in its WAL."""
    path = directory / "live.sql3"
    known: Known = {task("etl", f"n{i}"): sample(i) for i in range(rows)}
    async with opened(path) as store:
        await store.save_attempts([(*row, InvocationId(5, 7)) for row in known.items()])
    states = [known]
    async with opened(path) as store:
        await store.load()
        for commit in range(commits):
            last = {
                task("etl", f"n{i}"): sample(i + commit + 1)
                for i in range(commit, rows, commits)
            }
            await store.save(list(last.items()))
            states.append(states[-1] | last)
        content = path.read_bytes()
        wal = Path(f"{path}-wal").read_bytes() if commits else b""
    return Left(content, wal, tuple(states))


def put(path: Path, left: Left) -> None:
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    path.write_bytes(left.database)
    if left.wal:
        Path(f"{path}-wal").write_bytes(left.wal)


class Mutation(NamedTuple):
    """What an accident made of a file."""

    kind: str
    content: bytes


def mutations(content: bytes, rng: random.Random, rounds: int) -> Iterator[Mutation]:
    """Yield accidents: blocks, bits, ends, lies in the header."""
    size = len(content)
    for _ in range(rounds):
        at, block = rng.randrange(1, size), rng.choice((512, 4096))
        begin = at // block * block
        end = begin + block
        yield Mutation("zeroed", content[:begin] + bytes(block) + content[end:])
        yield Mutation("cut", content[:at])
        yield Mutation("cut", content[: begin + rng.choice((0, 1, 100))])
        flipped = bytearray(content)
        for _ in range(rng.choice((1, 3, 40))):
            flipped[rng.randrange(size)] ^= 1 << rng.randrange(8)
        yield Mutation("flipped", bytes(flipped))
        junk = rng.randbytes(rng.choice((4, 300, 5000)))
        yield Mutation("junk", content[:at] + junk + content[at + len(junk) :])
        lying = bytearray(content)
        field = rng.randrange(0, 100, 4)
        lying[field : field + 4] = rng.choice(
            (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), rng.randbytes(4))
        )
        yield Mutation("lying", bytes(lying))
        other = rng.randrange(size) // 4096 * 4096
        moved = content[other : other + block]
        yield Mutation("moved", content[:begin] + moved + content[end:])


def contents(path: Path) -> Mapping[str, bytes]:
    """Return every file beside ``path``, but for the index that SQLite makes anew."""
    return {
        one.name: one.read_bytes()
        for one in path.parent.iterdir()
        if not one.name.endswith("-shm")
    }


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
