"""Attacks the real scheduler and the real worker over the network, for minutes.

An honest worker asks the scheduler all the while: how long its answers take, how much
memory the program has, and what it says, must stay within bounds.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote import messages as m
from bistro_tui.engine.remote.auth import Introduction, WorkerSide
from bistro_tui.engine.remote.dialing import DialFailed, dialed
from bistro_tui.engine.remote.frames import frame_of
from bistro_tui.engine.remote.identity import (
    NO_SET,
    InstanceId,
    MachineLock,
    WorkerSetId,
)
from bistro_tui.engine.remote.link import Answerer, Handlers, Link, Peer
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.rights import ASKED_BY_SCHEDULERS
from bistro_tui.engine.remote.wire import WireLost
from bistro_tui.engine.remote.worker_token import WorkerToken, given_worker_token

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
CONFIG = """{"bistro_settings": {"enabled": true, "nodes": {"levels": ["host"],
 "node_source": "manual", "node_source_prefs": {"n1": [], "n2": []}},
 "resources": {"host": {"mem": {"limit": 10, "default": 1}}}},
 "bistro_job->etl": {"owner": "o", "enabled": true}}"""
HONEST = "--honest"
SLOWEST_SEC = 1.0
"""For an answer while the machine is shared with the attacker."""
MOST_BYTES = 600 * 2**20
NASTY = (
    "\x1b[2J\x1b]0;owned\x07",
    "a\nb",
    "../../etc/passwd",
    "\0",
    "\u202e",
    "x" * 10**4,
)
NUMBERS = (-1, 0, 1, 2**31, 2**63 - 1, -(2**63), 2**63, 2**64 - 1)
FLOATS = (0.0, -1.0, 1e308, float("inf"), float("nan"), float("-inf"))


@dataclass
class Scene:
    """What an attack has."""

    port: int
    token: WorkerToken
    rng: random.Random
    seconds: float
    """How long an attack may go on."""
    beaten: list[float] = field(default_factory=list)
    """How long the scheduler took for the honest worker's heartbeats."""

    def any_task(self, shard: str, number: int) -> m.RunningTask:
        rng = self.rng
        made = honest_task(shard, number)
        for _ in range(rng.randrange(3)):
            change: dict[str, Any] = rng.choice(
                [
                    {"task": TaskId(JobName(rng.choice(NASTY[:3])), NodeName("n1"))},
                    {"task": TaskId(JobName("etl"), NodeName("n1"))},
                    {"invocation": InvocationId(rng.choice(NUMBERS[:6]), number)},
                    {"resources": {"worker": {"mem": rng.choice(NUMBERS[:6])}}},
                    {"resources": {"host": {"mem": 2**63 - 1}, "x": {"": 1}}},
                    {"path": (("host", "n1"),) * rng.randrange(99)},
                    {"path": (("worker", shard), ("instance", "zz"))},
                    {"next_backoff": m.TaskBackoff(rng.choice(NUMBERS[:6]), True)},
                    {"started": rng.choice(FLOATS)},
                    {"suicide_kill_wait_ms": rng.choice(NUMBERS)},
                    {"pid": rng.choice(NUMBERS)},
                    {"commits": rng.choice(NUMBERS)},
                    {"shard": rng.choice(NASTY)},
                ]
            )
            made = msgspec.structs.replace(made, **change)
        return made


Attack: TypeAlias = Callable[[Scene], Awaitable[None]]


def honest_task(shard: str, number: int) -> m.RunningTask:
    return m.RunningTask(
        task=TaskId(JobName(f"job{number % 7}"), NodeName(f"n{number}")),
        invocation=InvocationId(1_700_000_000, number),
        shard=shard,
        resources={"worker": {"mem": 1}},
        path=(("host", "n1"),),
        next_backoff=m.TaskBackoff(60, False),
        started=1_700_000_000.0,
        suicide_kill_wait_ms=100,
    )


def a_worker(shard: str, me: InstanceId) -> m.Worker:
    return m.Worker(shard, MachineLock("h", 0, shard), me, 1.0, m.Usable(4.0, 1e4), 9)


# Strangers.


async def _bytes(scene: Scene, *pieces: bytes, pause: float = 0.0) -> None:
    """Connect, send, and read until it is over or time is up."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(scene.seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.port)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
                while await reader.read(65536):
                    pass
            finally:
                writer.transport.abort()


UPGRADE = (
    b"GET /worker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def flood(scene: Scene) -> None:
    held = []
    for _ in range(500):
        with contextlib.suppress(OSError):
            held.append(await asyncio.open_connection("127.0.0.1", scene.port))
    for _, writer in held:
        writer.transport.abort()


async def half_handshakes(scene: Scene) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + scene.rng.randbytes(99)
    await asyncio.gather(*(_bytes(scene, hello) for _ in range(100)))


async def slowly(scene: Scene) -> None:
    async def one() -> None:
        text = UPGRADE + b"X: y\r\n" * 9
        await _bytes(scene, *(text[i : i + 1] for i in range(len(text))), pause=0.02)

    await asyncio.gather(*(one() for _ in range(60)))


async def wrong_requests(scene: Scene) -> None:
    rng = scene.rng
    for _ in range(100):
        method = rng.choice([b"GET", b"HEAD", b"OPTIONS", b"CONNECT", b"POST", b"\0"])
        path = rng.choice(
            [b"/worker", b"*", b"/", b"//", b"/worker?x", b"http://a/worker"]
        )
        more = rng.choice(
            [
                b"Host: evil\r\nOrigin: http://evil\r\n",
                b"Expect: 100-continue\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Content-Length: -1\r\n",
                b"Content-Encoding: gzip\r\nContent-Length: 99\r\n",
                b"X: " + b"y" * rng.randrange(9000) + b"\r\n",
                UPGRADE.partition(b"\r\n")[2] + b"Sec-WebSocket-Protocol: a, b\r\n",
                UPGRADE.partition(b"\r\n")[2].replace(b"13", b"99"),
                rng.randbytes(50),
            ]
        )
        request = method + b" " + path + b" HTTP/1.1\r\n" + more + b"\r\n"
        quick = Scene(scene.port, scene.token, rng, 0.1)
        await _bytes(quick, request * rng.choice([1, 1, 50]))


async def frames_before_the_proof(scene: Scene) -> None:
    rng = scene.rng
    quick = Scene(scene.port, scene.token, rng, 0.1)
    deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    hello = WorkerSide(
        "x" * 20, Introduction(rng.choice(NASTY), InstanceId(1, 2)), nonce=b"n" * 32
    ).hello()
    bodies = [hello, rng.randbytes(60), b"\x91" * 4000, hello[:-3], b""]
    for _ in range(60):
        first = rng.choice([0x82, 0xC2, 0x02, 0x89, 0x8A, 0x88, 0x81, 0xF2, 0x80])
        body = rng.choice(bodies)[:4000]
        frame = bytes((first, 0x80 | 126)) + len(body).to_bytes(2, "big")
        masked = frame + b"\0\0\0\0" + body
        await _bytes(quick, UPGRADE + deflate, masked * rng.choice([1, 2, 300]))


async def guesses(scene: Scene) -> None:
    me = Introduction("w1", InstanceId(1, 2))
    for secret in ("x" * 20, "", scene.token.secret[:-1], scene.token.secret + "a"):
        try:
            wrong = WorkerToken(secret)
            async with dialed("127.0.0.1", scene.port, wrong, me, limits=LinkLimits()):
                raise AssertionError(f"let in with {len(secret)} characters")
        except DialFailed:
            pass


# Workers with the secret.


@asynccontextmanager
async def inside(
    scene: Scene,
    shard: str,
    answers: Callable[[m.Request], m.Reply | Refused],
    me: InstanceId | None = None,
) -> AsyncIterator[tuple[Link, Any]]:
    """Give a link that reads and answers, and what it is sent over."""
    me = me or InstanceId(int(time.time()), scene.rng.getrandbits(60))

    def handle(_link: Link, body: m.Request, answer: Answerer) -> None:
        answer(answers(body))

    async with dialed(
        "127.0.0.1",
        scene.port,
        scene.token,
        Introduction(shard, me),
        limits=LinkLimits(),
    ) as wire:
        link = Link(
            wire,
            peer=Peer(shard, me, ""),
            hears=ASKED_BY_SCHEDULERS,
            handlers=Handlers(
                handle=handle,
                heard=lambda *_: None,
                on_link=lambda _: None,
                on_end=lambda *_: None,
            ),
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(link.run(), name="link")
            try:
                yield link, wire
            finally:
                running.cancel()


def _done(body: m.Request) -> m.Reply | Refused:
    return m.RunningTasks(()) if isinstance(body, m.GetRunningTasks) else m.Done()


async def _hears(link: Link, seconds: float) -> None:
    """Wait until the other side has heard all, or ends it."""
    until = time.monotonic() + seconds
    while link.is_open and time.monotonic() < until:
        await asyncio.sleep(0.02)


async def odd_shards(scene: Scene) -> None:
    for shard in (*NASTY, "local", "", "\x7f", "é" * 255):
        with contextlib.suppress(DialFailed):
            async with inside(scene, shard, _done) as (link, _):
                worker = a_worker(shard, link.peer.worker)
                link.call(m.Heartbeat(worker, NO_SET), lambda _: None, timeout=1)
                await _hears(link, 0.1)


async def many_shards(scene: Scene) -> None:
    for number in range(100):
        shard = f"many{scene.rng.randrange(10**9)}-{number}"
        async with inside(scene, shard, _done) as (link, _):
            heard: list[Any] = []
            worker = a_worker(shard, link.peer.worker)
            link.call(m.Heartbeat(worker, NO_SET), heard.append, timeout=5)
            while not heard:
                await asyncio.sleep(0.002)


async def odd_heartbeats(scene: Scene) -> None:
    rng = scene.rng
    for _ in range(20):
        async with inside(scene, "odd", _done) as (link, _):
            good = a_worker("odd", link.peer.worker)
            for _ in range(20):
                change: dict[str, Any] = rng.choice(
                    [
                        {"slots": rng.choice(NUMBERS)},
                        {"heartbeat_period_sec": rng.choice(FLOATS)},
                        {"usable": m.Usable(rng.choice(FLOATS), rng.choice(FLOATS))},
                        {"usable": m.Usable(1, 1, (m.GpuCard("b", "n", 1.0),) * 999)},
                        {"lock": MachineLock(rng.choice(NASTY), 2**64 - 1, "")},
                        {"lock": MachineLock(rng.choice(NASTY)[:99], -1, "x")},
                        {"id": InstanceId(rng.choice(NUMBERS), rng.choice(NUMBERS))},
                        {"shard": rng.choice(NASTY)},
                    ]
                )
                odd = msgspec.structs.replace(good, **change)
                known = WorkerSetId(link.peer.worker, rng.choice(NUMBERS[:6]))
                beat = m.Heartbeat(odd, rng.choice([NO_SET, known]))
                link.call(beat, lambda _: None, timeout=1)
            await _hears(link, 0.05)


async def quick_heartbeats(scene: Scene) -> None:
    async with inside(scene, "quick", _done) as (link, _):
        good = a_worker("quick", link.peer.worker)
        until = time.monotonic() + scene.seconds
        while link.is_open and time.monotonic() < until:
            for slots in range(100):
                one = msgspec.structs.replace(good, slots=slots)
                link.call(m.Heartbeat(one, NO_SET), lambda _: None, timeout=9)
            await asyncio.sleep(0.01)


async def lies_about_tasks(scene: Scene) -> None:
    shard = f"liar{scene.rng.randrange(3)}"
    number = scene.rng.choice([1, 100, 3_000, 10_000, 12_000])
    make = honest_task if number > 3_000 else scene.any_task
    lies = m.RunningTasks(tuple(make(shard, one) for one in range(number)))

    def answers(body: m.Request) -> m.Reply | Refused:
        return lies if isinstance(body, m.GetRunningTasks) else m.Done()

    async with inside(scene, shard, answers) as (link, _):
        worker = a_worker(shard, link.peer.worker)
        for _ in range(5):
            link.call(m.Heartbeat(worker, NO_SET), lambda _: None, timeout=5)
            await _hears(link, 0.3)


async def odd_statuses(scene: Scene) -> None:
    rng = scene.rng
    texts = (
        "done", "running", "", "{}", "[" * 100_000, '{"result":"done","data":'
        + '{"a":' * 300 + "1" + "}" * 300 + "}", '{"result_bits":1e999}', "\x1b[2J",
        '{"result_bits":' + "9" * 9_000 + "}",
        '{"result":"failed","data":{"exception":"'
        + "\\u0000\\u001b[2J" * 9_000 + '"}}', "x" * 2**20, "x" * (2**20 + 1),
        '{"result_bits":1056}', '{"result_bits":NaN}', '{"result_bits":4,"data":7}',
    )  # fmt: skip
    replies: list[m.HeartbeatReply] = []

    async with inside(scene, "status", _done) as (link, _):
        worker = a_worker("status", link.peer.worker)
        for _ in range(4):
            link.call(
                m.Heartbeat(worker, NO_SET),
                lambda found: (
                    replies.append(found)
                    if isinstance(found, m.HeartbeatReply)
                    else None
                ),
                timeout=5,
            )
            await _hears(link, 0.2)
        scheduler = replies[-1].id if replies else InstanceId(1, 2)
        for number in range(300):
            body = m.UpdateStatus(
                scene.any_task("status", number),
                rng.choice(texts),
                rng.choice(NASTY),
                rng.choice(NUMBERS),
                rng.choice(FLOATS),
                scheduler,
                link.peer.worker,
            )
            with contextlib.suppress(ValueError):
                link.call(body, lambda _: None, timeout=5)
            if number % 20 == 0:
                await _hears(link, 0.02)
        await _hears(link, 0.5)


async def news(scene: Scene) -> None:
    rng = scene.rng
    async with inside(scene, "news", _done) as (link, _):
        line = m.LogLine(2**63 - 1, "etl", "n1", b"\x1b[2J" * 99)
        rows = ((TaskId(JobName("etl"), NodeName("n1")), "stdout", line),)
        some: list[m.News] = [
            m.WorkerTrouble(rng.choice(NASTY)),
            m.WorkerTrouble("y" * 2**20),
            m.LastLines(rows * 1_000),
            m.LastLines(rows * 1_001),
            m.TaskStarted(InvocationId(*rng.choices(NUMBERS, k=2)), 7),
            m.TaskUsage(((InvocationId(1, 2), 5, float("nan"), 1),)),
            m.TaskUsage(((InvocationId(1, 2), 2**64 - 1, 1.0, 1),) * 99),
        ]
        until = time.monotonic() + min(2.0, scene.seconds)
        while link.is_open and time.monotonic() < until:
            for _ in range(200):
                link.tell(rng.choice(some[:5] if rng.random() < 0.99 else some))
            await asyncio.sleep(0.005)


async def raw_frames(scene: Scene) -> None:
    rng = scene.rng
    enc = msgspec.msgpack.encode
    trouble, refusal = enc(m.Tell(m.WorkerTrouble(""))), enc(m.Refusal(1, ""))
    me = InstanceId(1, 2)
    task = honest_task("raw", 1)
    update = enc(m.Call(1, m.UpdateStatus(task, "done", "", None, None, me, me)))
    for _ in range(10):
        frame = rng.choice(
            [
                frame_of([rng.choice([trouble, refusal, update])] * 60_000),
                frame_of([refusal] * 5_000),
                enc([m.Answer(1, m.RunningTasks((honest_task("raw", 1),) * 70_000))]),
                b"\x91" * 2**22,
                b"\xdd\xff\xff\xff\xff",
                rng.randbytes(5_000),
                b"",
                b"\x91" + b"\0" * 9 * 2**20,
            ]
        )
        with contextlib.suppress(DialFailed):
            async with inside(scene, "raw", _done) as (link, wire):
                with contextlib.suppress(WireLost):
                    await wire.send(frame)
                await _hears(link, 0.1)


async def never_reads(scene: Scene) -> None:
    me = Introduction("deaf", InstanceId(int(time.time()), 5))
    limits = LinkLimits()
    beat = m.Heartbeat(a_worker("deaf", me.worker), NO_SET)
    async with dialed("127.0.0.1", scene.port, scene.token, me, limits=limits) as wire:
        with contextlib.suppress(WireLost, TimeoutError):
            async with asyncio.timeout(min(3.0, scene.seconds)):
                for number in range(1, 10**9, 100):
                    calls = [m.Call(number + one, beat) for one in range(100)]
                    await wire.send(msgspec.msgpack.encode(calls))
                    await asyncio.sleep(0)


async def twice(scene: Scene) -> None:
    me = InstanceId(int(time.time()), scene.rng.getrandbits(60))
    for _ in range(10):
        async with (
            inside(scene, "twice", _done, me) as (one, _),
            inside(scene, "twice", _done, me) as (other, _),
        ):
            for link in (one, other):
                beat = m.Heartbeat(a_worker("twice", me), NO_SET)
                link.call(beat, lambda _: None, timeout=1)
            await _hears(one, 0.2)


ATTACKS: tuple[Attack, ...] = (
    flood, half_handshakes, slowly, wrong_requests, frames_before_the_proof, guesses,
    odd_shards, many_shards, odd_heartbeats, quick_heartbeats, lies_about_tasks,
    odd_statuses, news, raw_frames, never_reads, twice,
)  # fmt: skip


# The honest worker, and the program.


async def beat_honestly(port: int, token_file: Path) -> None:
    """Print how long each answer takes, for ever; ends when the link does."""
    token, _ = given_worker_token(token_file)
    scene = Scene(port, token, random.Random(1), 0.0)
    async with inside(scene, "honest", _done) as (link, _):
        worker = a_worker("honest", link.peer.worker)
        last = NO_SET
        while True:
            heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            since = time.monotonic()
            link.call(m.Heartbeat(worker, last), heard.set_result, timeout=20)
            found = await heard
            assert isinstance(found, m.HeartbeatReply), found
            last = found.worker_set
            print(time.monotonic() - since, flush=True)
            await asyncio.sleep(0.02)


async def note_answers(scene: Scene, token_file: Path) -> None:
    """Have an honest worker beat in a process of its own, which nobody holds up."""
    words = (sys.executable, "-m", __spec__.name, HONEST, str(scene.port), token_file)
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        while line := await process.stdout.readline():
            scene.beaten.append(float(line))
        raise AssertionError(f"the honest worker was let down: {len(scene.beaten)}")
    finally:
        if process.returncode is None:
            process.kill()
        # To the end of its output as well, for the pipe is closed then.
        await process.communicate()


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Fuzzed:
    """The program under attack."""

    process: "subprocess.Popen[bytes]"
    data: Path
    said: Path

    def troubles(self, secret: str) -> list[str]:
        """Return what is wrong with it."""
        found = []
        text = self.said.read_bytes()
        for bad in (b"Traceback", b"internal error", secret.encode(), b"\x1b", b"\0"):
            at = text.find(bad)
            if at >= 0:
                found.append(f"it said {text[max(0, at - 300) : at + 1500]!r}")
        if self.process.poll() is not None:
            found.append(f"it ended with {self.process.returncode}: {text[-2000:]!r}")
        elif (size := resident(self.process.pid)) > MOST_BYTES:
            found.append(f"it has {size >> 20} MiB")
        if len(text) > 50 * 2**20:
            found.append(f"it said {len(text)} bytes")
        return found


@contextlib.contextmanager
def scheduler(home: Path) -> Iterator[Fuzzed]:
    """Start it; it is asked to stop at the end, and has to."""
    config, data, said = home / "c.json", home / "data", home / "stderr"
    config.write_text(CONFIG)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BISTRO")}
    with open(said, "wb") as err:
        process = subprocess.Popen(
            [
                *(PROGRAM, config, "--no-ui", "--server-port", "0"),
                *("--data-dir", data, "--worker-check-interval=0.2"),
                *("--healthcheck-period=1", "--runner=remote"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=kept | {"XDG_STATE_HOME": str(home / "state")},
        )
    try:
        yield Fuzzed(process, data, said)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, said.read_text(errors="replace")[-2000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def port_of(found: Fuzzed) -> int:
    path = found.data / "run" / "worker.port"
    async with asyncio.timeout(20):
        while not (path.exists() and path.read_text().strip()):
            await asyncio.sleep(0.05)
    return int(path.read_text())


async def fuzz(
    seconds: float,
    seed: int,
    *attacks: Attack,
    each_sec: float = 3.0,
    slowest_sec: float = SLOWEST_SEC,
) -> list[str]:
    """Attack for that long, each attack at least once; return what went wrong."""
    rng = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name, scheduler(Path(name)) as found:
        port = await port_of(found)
        token, _ = given_worker_token(found.data / "secrets" / "worker.token")
        scene = Scene(port, token, rng, seconds=each_sec)
        ends = time.monotonic() + seconds
        left: list[Attack] = list(attacks)
        async with asyncio.TaskGroup() as group:
            honest = group.create_task(
                note_answers(scene, found.data / "secrets" / "worker.token"),
                name="honest",
            )
            while not scene.beaten:
                await asyncio.sleep(0.02)
            while left or time.monotonic() < ends:
                attack = left.pop(0) if left else rng.choice(attacks)
                scene.beaten.clear()
                try:
                    await attack(scene)
                except* (DialFailed, WireLost) as failed:
                    print(attack.__name__, failed.exceptions)
                slowest = max(scene.beaten, default=0.0)
                size = (
                    resident(found.process.pid) if found.process.poll() is None else 0
                )
                print(
                    f"{attack.__name__:26} {slowest * 1e3:7.1f} ms {size >> 20:5} MiB",
                    flush=True,
                )
                wrong += found.troubles(token.secret)
                if slowest > slowest_sec:
                    wrong.append(f"{attack.__name__}: no answer for {slowest:.2f} s")
                if wrong:
                    break
            honest.cancel()
        if os.environ.get("PYTHONASYNCIODEBUG"):
            print(found.said.read_text(errors="replace"))
        return wrong


def main() -> None:
    if sys.argv[1] == HONEST:
        asyncio.run(beat_honestly(int(sys.argv[2]), Path(sys.argv[3])))
        return
    minutes, seed = float(sys.argv[1]), int(sys.argv[2])
    print(f"seed {seed}")
    names = sys.argv[3:]
    attacks = [one for one in ATTACKS if not names or one.__name__ in names]
    wrong = asyncio.run(fuzz(60 * minutes, seed, *attacks))
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
