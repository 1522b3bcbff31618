"""Reading a config file that others write, lock away or replace."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.config import load
from bistro_tui.engine.config.file_read import read_file, read_if_whole
from bistro_tui.engine.config.load import load_settled
from bistro_tui.engine.errors import ConfigUnusable
from tests.engine.config.ruin import without_permission
from tests.engine.config.watching import Looks, until

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells of writers"
)

HEAD = """\
bistro_settings:
  enabled: true
  nodes: {levels: [host], node_sources: []}
  resources: {}
"""
JOB = "bistro_job->etl: {owner: ann}\n"

_REWRITE_FOR_EVER = """
import itertools, sys, time
for number in itertools.count():
    with open(sys.argv[1], "w") as file:
        for letter in "abcdefgh":
            file.write(letter * 500 + "\\n")
            file.flush()
        file.write(f"end {number}\\n")
    time.sleep(0.003)
"""


@contextmanager
def rewriting(path: Path) -> Iterator[None]:
    """Have another process write the file in many small steps, again and again."""
    command = [sys.executable, "-c", _REWRITE_FOR_EVER, str(path)]
    with subprocess.Popen(command) as process:
        try:
            before = path.stat().st_mtime_ns
            deadline = time.monotonic() + 20
            while path.stat().st_mtime_ns == before:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            yield
        finally:
            process.kill()


@on_linux
def test_what_somebody_has_open_for_writing_is_not_whole_yet(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(HEAD)
    assert read_if_whole(path) == HEAD.encode()
    with path.open("a"):
        assert read_if_whole(path) is None
        assert read_file(path) == HEAD.encode()
    with path.open():
        assert read_if_whole(path) == HEAD.encode()


@on_linux
def test_no_half_of_a_text_is_read_while_another_process_rewrites_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("end\n")
    seen = {b"end\n"}
    with rewriting(path):
        deadline = time.monotonic() + 20
        while len(seen) < 40:
            assert time.monotonic() < deadline
            content = read_if_whole(path)
            if content is not None:
                seen.add(content)
            time.sleep(0.001)
    for content in seen - {b"end\n"}:
        lines = content.decode().splitlines()
        assert len(lines) == 9
        assert lines[-1].startswith("end ")


@on_linux
async def test_a_text_that_is_written_slowly_is_read_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)
    path = tmp_path / "c.yaml"
    with path.open("w") as file:
        file.write(HEAD)
        file.flush()
        loading = asyncio.ensure_future(load_settled(path))
        await until(lambda: looks.waited >= 2)
        assert not loading.done()
        file.write(JOB)
    loaded = await loading
    assert loaded.config is not None
    assert list(loaded.config.jobs) == ["etl"]


async def test_a_file_that_stays_open_for_writing_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SETTLE_SEC", 0.001)
    path = tmp_path / "c.yaml"
    path.write_text(HEAD)
    with path.open("a"):
        loaded = await load_settled(path)
    assert loaded.config is not None


async def test_an_emptied_toml_file_gets_a_second_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SETTLE_SEC", 0.001)
    looks = Looks(monkeypatch)
    path = tmp_path / "c.toml"
    path.write_text("")
    text = (
        "[bistro_settings]\nenabled = true\nresources = {}\n"
        'nodes = {levels = ["host"], node_sources = []}\n'
    )

    def write_it_all() -> None:
        path.write_text(text)

    looks.after_bad = write_it_all
    assert (await load_settled(path)).config is not None
    assert looks.bad == 1


def test_a_file_without_permission_is_refused_with_what_to_check(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.json"
    path.write_text("{}")
    with without_permission(path), pytest.raises(ConfigUnusable) as caught:
        read_file(path)
    assert str(caught.value) == (
        f"{path}: no permission to read it; check its mode and directories"
    )
    assert read_file(path) == b"{}"
