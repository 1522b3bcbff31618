"""A program that may open no more files."""

import errno
import gc
import os
import resource
import selectors
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.main import run
from bistro_tui.cli.refused_files import words_if_no_files

REFUSAL = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def refuse(*_: object) -> NoReturn:
    raise REFUSAL


@pytest.mark.parametrize("error", [REFUSAL, ExceptionGroup("tasks", [REFUSAL] * 2)])
def test_the_limit_is_named_and_nothing_is_called_an_error_of_ours(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    monkeypatch.setattr("bistro_tui.cli.run.run", fail)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(["c.json", "--no-ui"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(
        "bistro-tui: this program may open no more files (ulimit -n 64)"
    )
    assert message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_the_whole_system_is_named_as_such() -> None:
    assert "fs.file-max" in words_if_no_files(OSError(errno.ENFILE, "none"))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "none"),
        RuntimeError(errno.EMFILE),
        ExceptionGroup("tasks", [REFUSAL, ZeroDivisionError()]),
    ],
)
def test_an_error_of_ours_is_not_taken_for_a_limit(error: Exception) -> None:
    assert words_if_no_files(error) == ""


@pytest.mark.parametrize(
    ("module", "name"), [(socket, "socketpair"), (selectors, "DefaultSelector")]
)
def test_a_loop_that_cannot_be_made_leaves_only_the_reason(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    async def serve() -> None:
        raise AssertionError("it cannot serve")

    monkeypatch.setattr(module, name, refuse)
    unraisable = list[object]()
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)) as told:
        run_engine(serve())
    told.value.__traceback__ = None
    del told
    gc.collect()
    assert unraisable == []
