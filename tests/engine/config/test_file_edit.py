import fcntl
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bistro_tui.engine.config import file_edit
from bistro_tui.engine.config.edit import set_enabled
from bistro_tui.engine.config.file_edit import edit_config_file
from bistro_tui.engine.config.formats import ConfigFormat, format_of, read_document
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from tests.faults.needs import need_root

SETTINGS_YAML = """# é
bistro_settings:
  enabled: true
  nodes: {levels: [host], node_sources: [{source: manual, prefs: {a: []}}]}
  resources: {}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "simple.json"
    found.write_bytes(b"{\r\n}\r\n")
    return found


def test_the_file_is_replaced_as_a_whole(path: Path) -> None:
    old = path.open("rb")
    assert edit_config_file(path, lambda text: text.replace("}", "1}"))
    assert path.read_bytes() == b"{\r\n1}\r\n"
    with old:
        assert old.read() == b"{\r\n}\r\n"
    assert os.listdir(path.parent) == ["simple.json"]


def test_an_edit_that_changes_nothing_touches_nothing(path: Path) -> None:
    before = path.stat()
    assert not edit_config_file(path, lambda text: text)
    assert path.stat().st_ino == before.st_ino


def test_mode_and_owner_stay(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    before = path.stat()
    edit_config_file(path, lambda text: text + " ")
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_mtime_ns >= before.st_mtime_ns


@pytest.mark.parametrize(
    ("owner", "group", "said"),
    [(-1, 54321, "its group 54321 cannot be kept"), (1234, -1, "another user")],
)
def test_a_file_whose_owner_cannot_be_kept_is_left_as_it_is(
    owner: int, group: int, said: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    os.chown(path, owner, group)

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(ControlRefused, match=said):
        edit_config_file(path, lambda text: text + " ")
    assert path.read_bytes() == b"{\r\n}\r\n"
    assert os.listdir(path.parent) == ["simple.json"]


def test_the_target_of_a_link_is_replaced_and_the_link_stays(
    path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere" / "link.json"
    link.parent.mkdir()
    link.symlink_to("../simple.json")
    assert edit_config_file(link, lambda text: text + "x")
    assert link.is_symlink()
    assert path.read_bytes().endswith(b"x")
    assert os.listdir(link.parent) == ["link.json"]


def refusal(path: Path, change: bytes | None = None) -> str:
    def edit(text: str) -> str:
        if change is not None:
            path.write_bytes(change)
        return text + " "

    with pytest.raises(ControlRefused) as caught:
        edit_config_file(path, edit)
    return str(caught.value)


def test_a_change_in_the_meantime_wins(path: Path) -> None:
    assert "somebody else changed it just now" in refusal(path, change=b"{} // theirs")
    assert path.read_bytes() == b"{} // theirs"
    assert os.listdir(path.parent) == ["simple.json"]


def test_a_file_put_in_its_place_in_the_meantime_wins(path: Path) -> None:
    def edit(text: str) -> str:
        other = path.with_name("other")
        other.write_bytes(path.read_bytes())
        other.replace(path)
        return text + " "

    with pytest.raises(ControlRefused, match="somebody else changed it"):
        edit_config_file(path, edit)
    assert path.read_bytes() == b"{\r\n}\r\n"


def test_a_file_that_nobody_may_write_is_refused(path: Path) -> None:
    path.chmod(0o444)
    assert refusal(path) == f"{path}: is not writable; change its mode or edit a copy"
    assert path.read_bytes() == b"{\r\n}\r\n"


def test_a_file_that_would_be_too_long_to_be_read_again_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_edit, "MAX_BYTES", 2**20)
    assert edit_config_file(path, lambda _: "x" * 2**20)
    with pytest.raises(ControlRefused, match="would be longer than 1 MiB, the most"):
        edit_config_file(path, lambda text: text + "x")
    assert path.read_text() == "x" * 2**20


@pytest.mark.parametrize("content", [b"\xff", None])
def test_what_cannot_be_read_is_refused(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert str(path) in refusal(path) or "utf-8" in refusal(path)


def test_what_the_edit_raises_leaves_the_file_alone(path: Path) -> None:
    def edit(_text: str) -> str:
        raise ControlRefused("no such job")

    with pytest.raises(ControlRefused, match="no such job"):
        edit_config_file(path, edit)
    assert os.listdir(path.parent) == ["simple.json"]


def test_edits_at_the_same_time_wait_for_each_other(path: Path) -> None:
    path.write_text("")
    threads = [
        threading.Thread(target=edit_config_file, args=(path, lambda text: text + "x"))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "x" * 8


def test_a_lock_that_is_never_given_back_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_edit, "_LOCK_WAIT_SEC", 0.0001)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another program has locked it" in refusal(path)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("x.toml", '["bistro_job->é"]\r\nowner = 1', "owner = 1"),
        ("x.yaml", "bistro_job->é: # é\r\n  owner: 1", "  owner: 1"),
        ("x.json", '{"bistro_job->é": {\r\n"owner": 1}}', '"owner": 1}}'),
    ],
)
def test_a_job_is_disabled_in_the_file_of_every_format(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    path = tmp_path / name
    path.write_bytes(before.encode())
    job = JobName("é")

    def disable(text: str) -> str:
        return set_enabled(text, job, False, format_of(path))

    assert edit_config_file(path, disable)
    value = read_document(path.read_bytes().decode(), format_of(path)).value
    assert value == {"bistro_job->é": {"enabled": False, "owner": 1}}
    assert path.read_bytes().startswith(before.removesuffix(after).encode())
    assert path.read_bytes().endswith(b"\r\n" + after.encode())
    assert not edit_config_file(path, disable)


SEVERAL = """
import sys, threading
from pathlib import Path
from bistro_tui.engine.config.file_edit import edit_config_file
from bistro_tui.engine.config.job_edits import enabling, saving

path = Path(sys.argv[1])

def work(name):
    for number in range(2):
        job = {"owner": name, "priority": number}
        edit_config_file(path, saving(path, f"{name} {number}", job))
        edit_config_file(path, saving(path, name, job))
    edit_config_file(path, enabling(path, name, False))

threads = [threading.Thread(target=work, args=(name,)) for name in sys.argv[2:]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_many_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "simple.yaml"
    path.write_text(SETTINGS_YAML)
    writers = [["a", "b", "c", "d"], ["e", "f", "g", "h"]]
    command = [sys.executable, "-c", SEVERAL, str(path)]
    children = [subprocess.Popen([*command, *names]) for names in writers]
    assert [child.wait(60) for child in children] == [0, 0]
    jobs = read_document(path.read_text(), ConfigFormat.YAML).value
    assert jobs.pop("bistro_settings")
    last = {"enabled": False, "priority": 1}
    wanted = {}
    for name in "abcdefgh":
        wanted[f"bistro_job->{name}"] = {"owner": name, **last}
        for number in range(2):
            job = {"owner": name, "priority": number}
            wanted[f"bistro_job->{name} {number}"] = job
    assert jobs == wanted
    assert os.listdir(tmp_path) == ["simple.yaml"]


KILLED = """
import os, sys
from pathlib import Path
from bistro_tui.engine.config.file_edit import edit_config_file

path = Path(sys.argv[1])
before, after = b"{}" * 5000, b"{ }" * 5000
calls, seen = 0, set()

def count(frame, event, argument):
    global calls
    if event == "c_call":
        calls -= 1
        if not calls:
            os._exit(9)

def edit(text):
    return after.decode()

path.write_bytes(before)
edit_config_file(path, edit)
for number in range(1, 10_000):
    path.write_bytes(before)
    os.chmod(path, 0o640)
    if (child := os.fork()) == 0:
        calls = number
        sys.setprofile(count)
        edit_config_file(path, edit)
        sys.setprofile(None)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert path.read_bytes() in (before, after), number
    assert path.stat().st_mode & 0o777 == 0o640
    for entry in path.parent.iterdir():
        if entry != path:
            seen.add("stray")
            assert entry.stat().st_mode & 0o137 == 0, oct(entry.stat().st_mode)
    seen.add(path.read_bytes() == after)
    if code == 0:
        break
path.write_bytes(before)
edit_config_file(path, edit)
assert seen == {False, True, "stray"}, seen
print(number)
"""


def test_an_edit_that_is_killed_at_any_call_leaves_the_old_file_or_the_new_one(
    path: Path,
) -> None:
    command = [sys.executable, "-c", KILLED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert int(done.stdout) > 50
    # The next edit tidies up.
    assert os.listdir(path.parent) == ["simple.json"]
