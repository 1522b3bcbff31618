"""A user who may have no more processes, whatever wanted a thread."""

import resource
import threading
from pathlib import Path

import pytest

from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.main import run
from bistro_tui.cli.refused_threads import words_if_refused

REFUSAL = RuntimeError("can't start new thread")


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (12, 12))


@pytest.mark.parametrize(
    "error",
    [REFUSAL, ExceptionGroup("tasks", [REFUSAL, ExceptionGroup("more", [REFUSAL])])],
)
@pytest.mark.usefixtures("limit")
def test_the_limit_is_named_and_nothing_is_called_an_error_of_ours(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def refuse(*_: object) -> int:
        raise error

    monkeypatch.setattr("bistro_tui.cli.run.run", refuse)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(["c.json", "--no-ui"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(
        "bistro-tui: this user may have no more processes (ulimit -u 12)"
    )
    assert message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_such_a_limit_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    none = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: (none, none))
    assert "pids.max" in words_if_refused(REFUSAL)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("odd"),
        ExceptionGroup("tasks", [REFUSAL, ZeroDivisionError()]),
        OSError("can't start new thread"),
    ],
)
def test_an_error_of_ours_is_not_taken_for_a_limit(error: Exception) -> None:
    assert words_if_refused(error) == ""


def test_a_loop_that_gets_only_some_of_its_threads_gives_them_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin, started = threading.Thread.start, list[threading.Thread]()

    def start(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise REFUSAL
        started.append(thread)
        begin(thread)

    async def serve() -> None:
        raise AssertionError("it cannot serve")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        run_engine(serve())
    assert len(started) == 2
    for thread in started:
        thread.join(5)
    assert not any(thread.is_alive() for thread in started)
