"""Where one-shot commands look."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.cli.place import find_data_dir
from bistro_tui.cli.talk import WrongUse
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.live import announced
from bistro_tui.engine.owner import Owner, owner_of


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "bistro-tui"


@pytest.fixture
def running(state: Path) -> Iterator[list[DataDir]]:
    opened: list[DataDir] = []
    yield opened
    for one in opened:
        one.close()


def run_at(path: Path, running: list[DataDir]) -> Path:
    running.append(DataDir(path, host=socket.gethostname(), now=1_700_000_000.0))
    return path


def test_a_named_data_dir_is_taken(tmp_path: Path) -> None:
    assert find_data_dir(None, tmp_path) == tmp_path
    assert find_data_dir("c.json", tmp_path) == tmp_path


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_named_data_dir_that_is_none_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "there"
    if kind == "file":
        path.write_text("")
    with pytest.raises(WrongUse, match="there: "):
        find_data_dir(None, path)
    assert path.exists() == (kind == "file")


def test_a_config_names_its_own_directory_also_once_it_is_gone(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    config = tmp_path / "c.json"
    with pytest.raises(WrongUse, match="no such file"):
        find_data_dir(str(config), None)
    config.write_text("{}")
    found = find_data_dir(str(config), None)
    assert found == default_data_dir(config)
    assert not state.exists()
    run_at(found, running)
    config.unlink()
    assert find_data_dir(str(config), None) == found


def test_with_no_name_it_is_the_only_live_scheduler(
    state: Path, running: list[DataDir]
) -> None:
    run_at(state / "over-1", running)
    running.pop().close()
    path = run_at(state / "live-1", running)
    assert find_data_dir(None, None) == path


def worker_at(path: Path, running: list[DataDir]) -> None:
    run_at(path, running)
    (path / "run" / "worker").write_text("{}")


def test_a_worker_beside_the_only_scheduler_is_not_taken_for_one(
    state: Path, running: list[DataDir]
) -> None:
    worker_at(state / "worker-w1", running)
    path = run_at(state / "live-1", running)
    assert find_data_dir(None, None) == path


def test_workers_are_not_among_the_schedulers_that_were(
    state: Path, running: list[DataDir]
) -> None:
    worker_at(state / "worker-live", running)
    worker_at(state / "worker-over", running)
    running.pop().close()
    with pytest.raises(WrongUse, match="no scheduler of yours runs") as refused:
        find_data_dir(None, None)
    assert "worker-" not in refused.value.message


def test_a_directory_that_a_worker_had_before_is_its_scheduler_s(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    path = state / "live-1"
    worker_at(path, running)
    running.pop().close()
    running.append(
        DataDir(
            path,
            host=socket.gethostname(),
            now=1_700_000_000.0,
            config=tmp_path / "c.json",
        )
    )
    assert find_data_dir(None, None) == path


def test_with_none_alive_those_that_were_are_named(
    state: Path, running: list[DataDir]
) -> None:
    run_at(state / "over-1", running)
    running.pop().close()
    with pytest.raises(WrongUse, match=f"--data-dir {state}/over-1"):
        find_data_dir(None, None)


def test_with_nothing_there_it_says_so_and_makes_nothing(state: Path) -> None:
    with pytest.raises(WrongUse, match="no scheduler of yours runs; name one"):
        find_data_dir(None, None)
    assert not state.exists()


def test_with_several_alive_all_are_named(state: Path, running: list[DataDir]) -> None:
    paths = [run_at(state / name, running) for name in ("a", "b")]
    with pytest.raises(WrongUse, match="2 schedulers of yours run") as refused:
        find_data_dir(None, None)
    for path in paths:
        assert f"--data-dir {path}  (pid {os.getpid()} on" in refused.value.message


def test_one_without_a_note_is_named_too(state: Path, running: list[DataDir]) -> None:
    for name in ("a", "b"):
        path = run_at(state / name, running)
        (path / "run" / "lock").write_text("no JSON")
    with pytest.raises(WrongUse, match=r"/b  \(it left no note of itself\)"):
        find_data_dir(None, None)


def test_the_owner_is_known_while_it_has_the_lock(
    tmp_path: Path, running: list[DataDir]
) -> None:
    path = run_at(tmp_path / "d", running)
    owner = Owner(os.getpid(), socket.gethostname(), 1_700_000_000.0)
    assert owner_of(path) == owner
    assert owner_of(path) == owner
    running.pop().close()
    assert owner_of(path) is None


@pytest.mark.parametrize("note", ["", "{", "[1]", '{"pid": "x"}', "[" * 4000])
def test_a_lock_with_a_note_that_cannot_be_read_is_held_all_the_same(
    note: str, tmp_path: Path, running: list[DataDir]
) -> None:
    path = run_at(tmp_path / "d", running)
    (path / "run" / "lock").write_text(note)
    assert owner_of(path) == Owner(None, "", None)


def test_nobody_owns_what_is_no_data_directory(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "lock")
    assert owner_of(tmp_path) is None


def test_a_lock_whose_process_is_gone_is_not_touched(
    tmp_path: Path, running: list[DataDir]
) -> None:
    path = run_at(tmp_path / "d", running)
    note = {"pid": 2**30, "host": socket.gethostname(), "started": 1.0}
    (path / "run" / "lock").write_text(json.dumps(note))
    assert owner_of(path) is None
    shutil.rmtree(path)


def test_one_with_a_data_directory_elsewhere_is_the_only_one_too(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    path = run_at(tmp_path / "elsewhere", running)
    with announced(path):
        assert find_data_dir(None, None) == path
        run_at(state / "live-1", running)
        with pytest.raises(WrongUse, match="2 schedulers of yours run"):
            find_data_dir(None, None)


def test_one_below_the_state_directory_that_is_announced_counts_once(
    state: Path, running: list[DataDir]
) -> None:
    path = run_at(state / "live-1", running)
    with announced(path):
        assert find_data_dir(None, None) == path


def test_an_announced_directory_that_nobody_has_is_no_scheduler(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    path = run_at(tmp_path / "elsewhere", running)
    running.pop().close()
    with announced(path), pytest.raises(WrongUse, match="no scheduler of yours runs"):
        find_data_dir(None, None)


def test_a_config_is_looked_for_where_it_runs_now(
    tmp_path: Path,
    state: Path,
    running: list[DataDir],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, other = tmp_path / "c.json", tmp_path / "other.json"
    for path in (config, other):
        path.write_text("{}")
    places = {}
    for name, runs in (("one", config), ("two", other)):
        places[name] = tmp_path / name
        host = socket.gethostname()
        running.append(DataDir(places[name], host=host, now=1.0, config=runs))
    monkeypatch.chdir(tmp_path)
    with announced(places["one"]), announced(places["two"]):
        assert find_data_dir("c.json", None) == places["one"]
        assert find_data_dir(str(other), None) == places["two"]
        default = run_at(default_data_dir(config), running)
        with pytest.raises(WrongUse, match=r"2 schedulers run c\.json") as refused:
            find_data_dir("c.json", None)
        for path in (default, places["one"]):
            assert f"--data-dir {path}  (pid {os.getpid()} on" in refused.value.message
        assert f"config {config})" in refused.value.message


def test_the_path_of_a_config_that_leaves_no_room_is_left_out_of_the_note(
    tmp_path: Path, running: list[DataDir]
) -> None:
    for name, length in (("short", 100), ("long", 4000)):
        config = Path("/" + "\udcff" * (length // 6))
        host = socket.gethostname()
        running.append(DataDir(tmp_path / name, host=host, now=1.0, config=config))
        owner = owner_of(tmp_path / name)
        assert owner is not None
        assert owner.pid == os.getpid()
        assert owner.config == str(config)
    config = Path("/" + "\udcff" * 1000)
    running.append(
        DataDir(tmp_path / "longer", host=socket.gethostname(), now=1.0, config=config)
    )
    owner = owner_of(tmp_path / "longer")
    assert owner is not None
    assert (owner.pid, owner.config) == (os.getpid(), "")


def test_a_data_directory_whose_scheduler_runs_another_config_is_refused(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    config, other = tmp_path / "c.json", tmp_path / "other.json"
    for path in (config, other):
        path.write_text("{}")
    place = tmp_path / "d"
    running.append(DataDir(place, host=socket.gethostname(), now=1.0, config=config))
    assert find_data_dir(str(config), place) == place
    with pytest.raises(WrongUse, match=f"{place} runs {config}, not {other}"):
        find_data_dir(str(other), place)


def test_a_link_to_a_config_finds_who_runs_it(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    config, link = tmp_path / "c.json", tmp_path / "link.json"
    config.write_text("{}")
    link.symlink_to(config)
    place = tmp_path / "d"
    running.append(DataDir(place, host=socket.gethostname(), now=1.0, config=config))
    with announced(place):
        assert find_data_dir(str(link), None) == place
        assert find_data_dir(str(link), place) == place


def test_one_that_was_killed_is_named_first_with_what_it_was(
    tmp_path: Path, state: Path, running: list[DataDir]
) -> None:
    run_at(state / "over-1", running)
    running.pop().close()
    place, config = tmp_path / "z", tmp_path / "c.json"
    data = DataDir(place, host=socket.gethostname(), now=1.0, config=config)
    with announced(place):
        data.close()
        note = {"pid": 2**30, "host": "h", "started": 1.0, "config": str(config)}
        (place / "run" / "lock").write_text(json.dumps(note))
        with pytest.raises(WrongUse) as refused:
            find_data_dir(None, None)
    first, second = refused.value.message.splitlines()[1:]
    assert first.startswith(f"  --data-dir {place}  (killed: pid {2**30} on h, started")
    assert first.endswith(f"config {config})")
    assert second == f"  --data-dir {state / 'over-1'}"
