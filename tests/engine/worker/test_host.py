"""What a worker tells of its host."""

import dataclasses
import logging
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.remote.messages import GpuCard, Usable
from bistro_tui.engine.worker.host import EVERYTHING, host_keeper, usable
from bistro_tui.engine.worker.options import WorkerOptions

OPTIONS = WorkerOptions(
    scheduler_host="::", scheduler_port=1, worker_command="x", shard="w1"
)


async def looked(options: WorkerOptions) -> Usable:
    keeper = host_keeper(options, "h", clock=SystemClock(), on_host=lambda _host: None)
    return usable(await keeper.look(EVERYTHING))


async def test_all_that_can_be_measured_is_told_whatever_a_config_wants(
    tmp_path: Path,
) -> None:
    program = tmp_path / "smi"
    program.write_text("#!/bin/sh\necho '00000000:01:00.0, 1024, Tesla T4'\n")
    program.chmod(0o755)
    found = await looked(dataclasses.replace(OPTIONS, nvidia_smi=str(program)))
    assert found.cpu_cores > 0
    assert found.memory_mb > 0
    assert found.gpus == (GpuCard("00000000:01:00.0", "Tesla T4", 1024.0),)


async def test_a_host_without_the_usual_program_is_one_without_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (await looked(OPTIONS)).gpus == ()
    assert (await looked(dataclasses.replace(OPTIONS, nvidia_smi=""))).gpus == ()
    assert caplog.records == []


async def test_a_program_that_a_person_named_is_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bistro_tui")
    missing = dataclasses.replace(OPTIONS, nvidia_smi=str(tmp_path / "smi"))
    assert (await looked(missing)).gpus == ()
    assert "the GPUs of this host are unknown" in caplog.text


def test_what_is_unknown_is_zero_or_empty() -> None:
    assert usable(HostResources(name="h")) == Usable(0.0, 0.0, ())
