"""nvidia-smi as it is in the field: absent, silent, wrong, stuck."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from bistro_tui.engine.clock import Clock, Now, SystemClock
from bistro_tui.engine.nodes.sources import program as program_module
from bistro_tui.engine.physical import nvidia_smi as module
from bistro_tui.engine.physical.host import Gpu
from bistro_tui.engine.physical.nvidia_smi import NvidiaSmi
from bistro_tui.engine.physical.texts import Unreadable
from tests.engine.nodes.builders import is_alive

TWO_CARDS = "printf '0A, 11441, Tesla K80\\n0B, 15360, T4\\n'"
HANGS = "sleep 100 & echo $$ $! > pids; mv pids pids.all; wait"


def fake(directory: Path, body: str, name: str = "nvidia-smi") -> str:
    path = directory / name
    path.write_text(f'#!/bin/sh\ncd "{directory}"\n{body}\n')
    path.chmod(0o755)
    return str(path)


def asking(program: str, timeout_sec: float = 20.0) -> NvidiaSmi:
    return NvidiaSmi(program, timeout_sec=timeout_sec, clock=SystemClock())


async def trouble(program: str, timeout_sec: float = 20.0) -> str:
    with pytest.raises(Unreadable) as caught:
        await asking(program, timeout_sec).gpus()
    return str(caught.value)


async def are_gone(pids: Path) -> None:
    async with asyncio.timeout(25):
        for pid in map(int, pids.read_text().split()):
            while is_alive(pid):
                await asyncio.sleep(0.01)


async def test_it_is_asked_as_bistro_asks(tmp_path: Path) -> None:
    program = fake(tmp_path, f'printf "%s\\n" "$@" > asked; {TWO_CARDS}')
    assert await asking(program).gpus() == (
        Gpu(bus_id="0A", memory_mb=11441.0, name="Tesla K80"),
        Gpu(bus_id="0B", memory_mb=15360.0, name="T4"),
    )
    assert (tmp_path / "asked").read_text().splitlines() == [
        "--format=csv,noheader,nounits",
        "--query-gpu=gpu_bus_id,memory.total,name",
    ]


async def test_a_bare_name_is_looked_up_in_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, TWO_CARDS)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert len(await asking("nvidia-smi").gpus()) == 2


async def test_a_path_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, TWO_CARDS)
    monkeypatch.chdir(tmp_path)
    assert len(await asking("./nvidia-smi").gpus()) == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("echo 'no driver' >&2; exit 9", "exited with status 9: no driver"),
        ("echo 0A, 11441", 'printed "0A, 11441", not the 3 of'),
        ("kill -9 $$", "was killed by SIGKILL"),
    ],
)
async def test_a_failure_is_told_with_what_it_said(
    tmp_path: Path, body: str, told: str
) -> None:
    program = fake(tmp_path, body)
    assert (await trouble(program)).startswith(f"{program}: {told}")


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert await trouble(gone) == f"{gone}: cannot start: No such file or directory"
    assert await trouble("no-such-nvidia-smi") == "no-such-nvidia-smi: is not in PATH"


async def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    program = fake(tmp_path, HANGS)
    before = time.monotonic()
    told = await trouble(program, timeout_sec=0.3)
    assert time.monotonic() - before < 50
    assert told == f"{program}: took longer than 0.3 s and was killed"
    await are_gone(tmp_path / "pids.all")


async def test_cancelling_kills_it_too(tmp_path: Path) -> None:
    program = fake(tmp_path, HANGS)
    asked = asyncio.ensure_future(asking(program).gpus())
    async with asyncio.timeout(25):
        while not (tmp_path / "pids.all").exists():
            await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.wait([asked])
    assert asked.cancelled()
    await are_gone(tmp_path / "pids.all")


async def test_one_that_nothing_kills_is_neither_waited_for_nor_run_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a driver in trouble holds its program: the kill does not end it."""
    monkeypatch.setattr(program_module, "kill_session", lambda leader: None)
    monkeypatch.setattr(module, "_GRACE_SEC", 0.1)
    body = "touch started; while [ ! -e free ]; do sleep 0.02; done"
    program = fake(tmp_path, f"echo . >> runs; {body}")
    smi = asking(program, timeout_sec=0.2)
    with pytest.raises(Unreadable, match="was killed, and does not end"):
        await smi.gpus()
    with pytest.raises(Unreadable, match="was killed, and has not ended yet"):
        await smi.gpus()
    assert (tmp_path / "runs").read_text() == ".\n"
    (tmp_path / "free").touch()
    assert smi._run is not None
    await asyncio.to_thread(smi._run.join, 10)
    assert await smi.gpus() == ()
    assert (tmp_path / "runs").read_text() == ".\n.\n"


async def test_an_error_nobody_foresaw_reaches_who_asked(tmp_path: Path) -> None:
    class BrokenClock(Clock):
        def now(self) -> Now:
            raise LookupError("no time")

    smi = NvidiaSmi(fake(tmp_path, "true"), timeout_sec=5, clock=BrokenClock())
    with pytest.raises(LookupError):
        await smi.gpus()
