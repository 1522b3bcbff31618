import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import ScriptPrefs
from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.nodes.sources import program as program_module
from bistro_tui.engine.nodes.sources import script as script_module
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.script import run_script
from tests.engine.nodes.builders import is_alive, script


async def run(
    directory: Path,
    body: str,
    parents: Sequence[str] = ("p",),
    timeout_sec: float = 20.0,
) -> dict[str, tuple[str, ...]]:
    """Run a shell script beside the config and return what it answered."""
    name = script(directory / "nodes.sh", body)
    prefs = ScriptPrefs(
        parent_level=LevelName("a"), script=name, timeout_sec=timeout_sec
    )
    names = [NodeName(parent) for parent in parents]
    found = await run_script(prefs, names, directory, SystemClock())
    return {parent: (*names,) for parent, names in found.items()}


async def failure(directory: Path, body: str, timeout_sec: float = 20.0) -> str:
    with pytest.raises(NodeSourceError) as caught:
        await run(directory, body, timeout_sec=timeout_sec)
    beginning = 'node script ./nodes.sh for "p": '
    assert str(caught.value).startswith(beginning)
    return str(caught.value).removeprefix(beginning)


async def test_each_parent_is_asked_by_its_name_as_it_is(tmp_path: Path) -> None:
    strange = ["p", "", "a b; rm -rf /", "-rf", "$HOME", "日本\n"]
    found = await run(tmp_path, 'printf "<%s>\\nx" "$1"; [ $# = 1 ]', strange)
    assert list(found) == strange
    assert found["-rf"] == ("<-rf>", "x")
    assert found["日本\n"] == ("<日本", ">", "x")


async def test_replicas_are_asked_once(tmp_path: Path) -> None:
    found = await run(tmp_path, "echo $$ >> asked; echo x", ["p", "q", "p"])
    assert found == {"p": ("x",), "q": ("x",)}
    assert len((tmp_path / "asked").read_text().split()) == 2


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("true", ()),
        ("printf a", ("a",)),
        ("printf 'a\\n'", ("a",)),
        ("printf 'a\\n\\nb\\n'", ("a", "", "b")),
        ("printf '\\n'", ("",)),
        ("printf ' a \\r\\n'", (" a \r",)),
    ],
)
async def test_each_line_is_a_name_empty_ones_too(
    tmp_path: Path, body: str, names: tuple[str, ...]
) -> None:
    assert await run(tmp_path, body) == {"p": names}


async def test_a_script_has_no_input_and_a_session_of_its_own(tmp_path: Path) -> None:
    body = "cat; pwd; [ $(cut -d ' ' -f 6 /proc/$$/stat) = $$ ] && echo own"
    found = await run(tmp_path, body)
    assert found == {"p": (str(tmp_path), "own")}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo a; exit 3", "exited with status 3"),
        ("echo a; echo why >&2; echo >&2; exit 1", "exited with status 1: why"),
        ("kill -9 $$", "was killed by SIGKILL"),
        ("printf 'a\\n\\377\\n'", "line 2 is not UTF-8"),
        ("printf 'a\\n\\0\\n'", "line 2 holds a NUL, which no name can"),
    ],
)
async def test_a_script_that_fails_says_how(
    tmp_path: Path, body: str, message: str
) -> None:
    assert await failure(tmp_path, body) == message


async def test_a_script_that_cannot_start_is_told(tmp_path: Path) -> None:
    prefs = ScriptPrefs(parent_level=LevelName("a"), script="./none.sh")
    with pytest.raises(NodeSourceError, match="cannot start: No such file"):
        await run_script(prefs, [NodeName("p")], tmp_path, SystemClock())
    (tmp_path / "none.sh").write_text("echo")
    with pytest.raises(NodeSourceError, match="cannot start: Permission denied"):
        await run_script(prefs, [NodeName("p")], tmp_path, SystemClock())


async def test_a_bare_name_is_looked_for_in_the_path(tmp_path: Path) -> None:
    prefs = ScriptPrefs(parent_level=LevelName("a"), script="echo")
    found = await run_script(prefs, [NodeName("p")], tmp_path, SystemClock())
    assert found == {"p": ("p",)}
    script(tmp_path / "nodes.sh", "echo")
    here = ScriptPrefs(parent_level=LevelName("a"), script="nodes.sh")
    with pytest.raises(NodeSourceError, match=r"not in PATH; \./nodes.sh would be"):
        await run_script(here, [NodeName("p")], tmp_path, SystemClock())


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 25
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def until_dead(pids: list[int]) -> None:
    await until(lambda: not any(map(is_alive, pids)))


TRIES = 0.5, 4.0, 16.0
"""Seconds that a script gets: one that is too slow for the first has more."""

HANGS = """
trap '' TERM INT HUP
setsid sh -c 'echo $$ >> pids; sleep 100' &
sh -c 'echo $$ >> pids; sleep 100' &
echo $$ >> pids
sleep 100
"""


def pids_in(directory: Path, number: int) -> list[int]:
    found = [int(pid) for pid in (directory / "pids").read_text().split()]
    assert len(found) == number
    return found


async def test_a_script_that_hangs_is_killed_with_all_it_started(
    tmp_path: Path,
) -> None:
    for seconds in TRIES:
        start = time.monotonic()
        message = await failure(tmp_path, HANGS, timeout_sec=seconds)
        assert message == f"took longer than {seconds:g} s and was killed"
        # It would sleep for 100.
        assert time.monotonic() - start < seconds + 50
        if count_lines(tmp_path / "pids") == 3:
            break
        (tmp_path / "pids").unlink(missing_ok=True)
    await until_dead(pids_in(tmp_path, 3))


async def test_a_script_that_closes_its_output_and_hangs_is_killed(
    tmp_path: Path,
) -> None:
    body = "exec >&- 2>&-; echo $$ > pids; sleep 100"
    for seconds in TRIES:
        assert "took longer" in await failure(tmp_path, body, timeout_sec=seconds)
        if count_lines(tmp_path / "pids"):
            break
    await until_dead(pids_in(tmp_path, 1))


async def test_a_child_left_behind_does_not_hold_the_answer_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_module, "_LINGER_SEC", 0.2)
    body = "sh -c 'echo $$ > pids; sleep 100' & echo x; while ! [ -s pids ]; do :; done"
    assert await run(tmp_path, body) == {"p": ("x",)}
    await until_dead(pids_in(tmp_path, 1))


async def test_a_script_that_floods_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_module, "MAX_OUTPUT_BYTES", 1_000_000)
    message = await failure(tmp_path, "echo $$ > pids; yes")
    assert message == "printed more than 1000000 bytes"
    await until_dead(pids_in(tmp_path, 1))
    monkeypatch.setattr(script_module, "MAX_LINES", 3)
    assert await failure(tmp_path, "yes | head -4") == "printed more than 3 lines"


async def test_much_on_standard_error_neither_blocks_nor_counts(
    tmp_path: Path,
) -> None:
    found = await run(tmp_path, "yes | head -c 1000000 >&2; echo x")
    assert found == {"p": ("x",)}


async def test_cancelling_ends_the_script_first(tmp_path: Path) -> None:
    task = asyncio.ensure_future(run(tmp_path, HANGS))
    await until(lambda: count_lines(tmp_path / "pids") == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_dead(pids_in(tmp_path, 3))


def count_lines(path: Path) -> int:
    return len(path.read_text().split()) if path.exists() else 0


async def test_the_loop_goes_on_while_a_script_runs(tmp_path: Path) -> None:
    body = "touch begun; until [ -e go ]; do sleep 0.01; done; echo x"
    task = asyncio.ensure_future(run(tmp_path, body))
    # Were the loop held up, nobody would let the script end.
    await until((tmp_path / "begun").exists)
    (tmp_path / "go").touch()
    assert await task == {"p": ("x",)}
