"""The source ``script``: a program prints the children of each parent node.

Source: Bistro, nodes/ScriptFetcher; there, its exit status and time are ignored.
"""

import asyncio
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.model import ScriptPrefs
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.program import Program

MAX_LINES = 1_000_000


async def run_script(
    prefs: ScriptPrefs, parents: Sequence[NodeName], config_dir: Path, clock: Clock
) -> Mapping[NodeName, tuple[NodeName, ...]]:
    """Return the children of each parent: one run of the program after the other.

    Raises NodeSourceError if a run cannot start, fails, takes longer than its
    timeout, or prints what cannot be names. Cancelling ends the program first.
    """
    cancelled = threading.Event()
    runs = asyncio.get_running_loop().run_in_executor(
        None, _run_all, prefs, parents, config_dir, clock, cancelled
    )
    try:
        return await asyncio.shield(runs)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait((runs,))
        runs.exception()  # what it says now is of no interest
        raise


def _run_all(
    prefs: ScriptPrefs,
    parents: Sequence[NodeName],
    config_dir: Path,
    clock: Clock,
    cancelled: threading.Event,
) -> Mapping[NodeName, tuple[NodeName, ...]]:
    found: dict[NodeName, tuple[NodeName, ...]] = {}
    for parent in dict.fromkeys(parents):  # replicas have one answer
        try:
            program = Program(
                argv=(_path(prefs.script, config_dir), parent),
                directory=config_dir,
                timeout_sec=prefs.timeout_sec,
            )
            found[parent] = _names(program.run(clock, cancelled))
        except NodeSourceError as error:
            where = f"node script {prefs.script} for {show(parent)}"
            raise NodeSourceError(f"{where}: {error}") from None
    return found


def _path(script: str, config_dir: Path) -> str:
    if "/" in script:
        return str(config_dir / script)
    found = shutil.which(script)
    if found is None:
        is_here = (config_dir / script).exists()
        hint = f"; ./{script} would be the one beside the config" if is_here else ""
        raise NodeSourceError(f"is not in PATH{hint}")
    return found


def _names(output: bytes) -> tuple[NodeName, ...]:
    """Return one name a line; an empty line is a name, too."""
    if output.count(b"\n") > MAX_LINES:
        raise NodeSourceError(f"printed more than {MAX_LINES} lines")
    lines = output.removesuffix(b"\n").split(b"\n") if output else []
    names = []
    for number, line in enumerate(lines, start=1):
        try:
            names.append(NodeName(line.decode()))
        except UnicodeDecodeError:
            raise NodeSourceError(f"line {number} is not UTF-8") from None
        if "\0" in names[-1]:
            raise NodeSourceError(f"line {number} holds a NUL, which no name can")
    return tuple(names)
