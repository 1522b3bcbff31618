"""Makes the README's pictures from the real program: engine, tasks and screen.

    .venv/bin/python docs/screenshot.py docs

Runs ``docs/screenshot.json`` in a temporary directory until there is something of
everything to see, goes through a few screens as a person would, and writes each as
SVG: ``overview.svg``, ``job.svg``, ``why.svg``, ``resources.svg``; and all that was
seen, one after the other, as ``session.svg``.
"""

import asyncio
import random
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions

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


async def pictures(engine: Engine, thread: EngineThread) -> list[str]:
    """Return each screen of the way as SVG."""
    door = thread.wait_until_open()
    assert door is not None
    app = BistroApp(door, door, crash_dir=None)
    async with app.run_test(size=SIZE) as pilot:
        return [await picture(app, pilot, scene) for scene in WAY]


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


def main() -> None:
    """Run, look, write."""
    into = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "nightly.json"
        config.write_bytes(CONFIG.read_bytes())
        engine = Engine(
            EngineOptions(config_path=config, data_dir=Path(directory) / "data"),
            instance=NodeName("db-farm"),
            clock=SystemClock(),
            rng=random.Random(7),
        )
        thread = EngineThread(engine)
        thread.start()
        frames = asyncio.run(pictures(engine, thread))
        thread.request_stop()
        thread.request_stop()
        thread.outcome()
    for scene, frame in zip(WAY, frames, strict=True):
        if scene.name:
            (into / f"{scene.name}.svg").write_text(frame, encoding="utf-8")
    (into / "session.svg").write_text(session(frames), encoding="utf-8")


if __name__ == "__main__":
    main()
