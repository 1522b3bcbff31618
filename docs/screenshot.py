"""Makes the README's pictures from the real program: engine, tasks and screen.

    .venv/bin/python docs/screenshot.py docs

Runs ``docs/screenshot.json`` in a temporary directory until there is something of
everything to see, goes through a few screens as a person would, and writes each as
SVG: ``overview.svg``, ``job.svg``, ``why.svg``, ``resources.svg``; and all that was
seen, one after the other, as ``session.svg``. Then once more with workers, one of which
was stopped meanwhile: ``workers.svg``.
"""

import asyncio
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.door import InProcessDoor
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.times import PoolTimes

CONFIG = Path(__file__).with_name("screenshot.json")
SIZE = (128, 36)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One screen on the way."""

    keys: tuple[str, ...] = ()
    wait: float
    """Seconds behind the keys, until all of it is there."""
    shown: float = 2.0
    """Seconds in the session."""
    name: str = ""
    """Of the picture; empty: it is part of the session only."""


WAY = (
    Scene(wait=1.5, shown=1.5),
    Scene(wait=2.4, shown=1.5),
    # Until some tasks are done, some failed, some back off and some run.
    Scene(wait=2.4, shown=3, name="overview"),
    Scene(keys=("slash", *"back"), wait=0.3, shown=1),
    Scene(keys=("enter", "w"), wait=0.6, shown=3.5, name="why"),
    Scene(keys=("enter",), wait=0.6, shown=2.5),
    Scene(keys=("escape", "escape", "escape", "2", "home"), wait=0.8, shown=2),
    Scene(keys=("enter",), wait=1.2, shown=3.5, name="job"),
    Scene(keys=("4", "down", "down"), wait=1.2, shown=3, name="resources"),
    Scene(keys=("5", "right", "right"), wait=1.2, shown=3),
    Scene(keys=("enter",), wait=0.8, shown=3),
    Scene(keys=("6",), wait=1.2, shown=3),
)


WORKERS = 4
LIMITS = (
    '"instance": {"concurrency": {"limit": 10, "default": 1}}',
    '"worker": {"mem_gb": {"limit": 16, "default": 4}, "ssd_gb": {"limit": 500,'
    ' "default": 80}}',
)
"""Where tasks run on workers, those have what limits them."""
LOCAL = EngineOptions(config_path=CONFIG)
QUICK = PoolTimes(
    heartbeat_grace_period=1, healthcheck_period=1, worker_check_interval=0.5
)
WORKERS_WAY = (
    Scene(keys=("0",), wait=4),
    Scene(keys=("0", "down"), wait=3.5, name="workers"),
)


async def pictures(door: InProcessDoor, way: Sequence[Scene]) -> list[str]:
    """Return each screen of the way as SVG."""
    app = BistroApp(door, door, crash_dir=None)
    async with app.run_test(size=SIZE) as pilot:
        return [await picture(app, pilot, scene) for scene in way]


async def picture(app: BistroApp, pilot: Pilot[None], scene: Scene) -> str:
    """Go to that screen and return it."""
    await pilot.press(*scene.keys)
    await asyncio.sleep(scene.wait)
    svg = app.export_screenshot(title="bistro-tui nightly.json")
    # Without this, the blanks at the ends of a span are dropped.
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def session(frames: list[str]) -> str:
    """Return all of them as one SVG that shows one after the other, without end."""
    total = sum(scene.shown for scene in WAY)
    begin, styles, groups = 0.0, [], []
    for number, (scene, frame) in enumerate(zip(WAY, frames, strict=True)):
        first, last = 100 * begin / total, 100 * (begin + scene.shown) / total
        styles += [
            f"@keyframes k{number} {{ 0% {{visibility: hidden}}",
            f"{first:.2f}% {{visibility: visible}}",
            f"{last:.2f}% {{visibility: hidden}} }}",
            f".f{number} {{visibility: hidden;",
            f"animation: k{number} {total}s steps(1, end) infinite}}",
        ]
        # Rich names the styles of each picture anew; fonts are named once.
        named = re.sub(r"terminal-\d+", f"t{number}", frame)
        if number:
            named = re.sub(r"@font-face \{.*?\}", "", named, flags=re.DOTALL)
        # Text that is exactly as long as its line needs no clipping.
        named = re.sub(
            r'<clipPath id="[^"]*line-.*?</clipPath>\s*', "", named, flags=re.S
        )
        named = re.sub(r' clip-path="url\(#[^)]*line-\d+\)"', "", named)
        groups.append(f'<g class="f{number}">{named}</g>')
        begin += scene.shown
    box = re.search(r'viewBox="([^"]*)"', frames[0])
    assert box is not None
    style = "\n".join(styles)
    return (
        f'<svg viewBox="{box[1]}" xmlns="http://www.w3.org/2000/svg">\n'
        f"<style>\n{style}\n</style>\n" + "\n".join(groups) + "\n</svg>\n"
    )


@contextmanager
def served(config: str, options: EngineOptions) -> Iterator[tuple[InProcessDoor, Path]]:
    """Give the door to an engine with that config, and its data directory."""
    with tempfile.TemporaryDirectory() as directory:
        path, data = Path(directory) / "nightly.json", Path(directory) / "data"
        path.write_text(config, encoding="utf-8")
        engine = Engine(
            replace(options, config_path=path, data_dir=data),
            instance=NodeName("db-farm"),
            clock=SystemClock(),
            rng=random.Random(7),
        )
        thread = EngineThread(engine)
        thread.start()
        door = thread.wait_until_open()
        assert door is not None
        try:
            yield door, data
        finally:
            thread.request_stop()
            thread.request_stop()
            thread.outcome()


@contextmanager
def workers(data: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Have workers dial the scheduler with that data directory, until the end."""
    port = (data / "run" / "worker.port").read_text().strip()
    found = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "bistro_tui", "worker"),
                *("--scheduler-host", "localhost", "--scheduler-port", port),
                *("--token-file", str(data / "secrets" / "worker.token")),
                *("--worker-command", "/bin/false", "--heartbeat-period-sec", "1"),
                *("--shard-id", f"worker-{number}"),
                *("--data-dir", str(data.parent / f"worker-{number}")),
            ],
            stderr=subprocess.DEVNULL,
        )
        for number in range(1, WORKERS + 1)
    ]
    try:
        yield found
    finally:
        for one in found:
            one.send_signal(signal.SIGCONT)
            one.terminate()
        for one in found:
            one.wait()


def with_workers(config: str) -> str:
    """Return the picture of the page of workers."""
    remote = replace(LOCAL, server_port=0, runner="remote", pool_times=QUICK)
    with (
        served(config.replace(*LIMITS), remote) as (door, data),
        workers(data) as found,
    ):
        stop = threading.Timer(4.5, found[2].send_signal, [signal.SIGSTOP])
        stop.start()
        _, frame = asyncio.run(pictures(door, WORKERS_WAY))
        stop.join()
    return frame


def main() -> None:
    """Run, look, write."""
    into, config = Path(sys.argv[1]), CONFIG.read_text(encoding="utf-8")
    assert LIMITS[0] in config
    with served(config, LOCAL) as (door, _):
        frames = asyncio.run(pictures(door, WAY))
    for scene, frame in zip(WAY, frames, strict=True):
        if scene.name:
            (into / f"{scene.name}.svg").write_text(frame, encoding="utf-8")
    (into / "session.svg").write_text(session(frames), encoding="utf-8")
    (into / "workers.svg").write_text(with_workers(config), encoding="utf-8")


if __name__ == "__main__":
    main()
