"""The file with the secret of workers."""

import os
import socket
import stat
from pathlib import Path

import pytest

from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.live import announced
from bistro_tui.engine.remote.worker_token import (
    WorkerToken,
    given_worker_token,
    host_to_dial,
    kept_worker_token,
    token_on_this_host,
)

SECRET = "abcdefghijklmnop"
PRINT = "ab" * 32


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        first, warning = kept_worker_token(tmp_path, None)
    finally:
        os.umask(before)
    path = tmp_path / "worker.token"
    assert (mode(path), warning) == (0o600, "")
    assert path.read_text() == f"{first.secret}\n"
    assert len(first.secret) >= 43
    assert kept_worker_token(tmp_path, None) == (first, "")


def test_the_fingerprint_follows_the_certificate_and_the_secret_stays(
    tmp_path: Path,
) -> None:
    plain, _ = kept_worker_token(tmp_path, None)
    pinned, _ = kept_worker_token(tmp_path, PRINT)
    assert pinned == WorkerToken(plain.secret, PRINT)
    path = tmp_path / "worker.token"
    assert path.read_text() == f"{plain.secret} sha256:{PRINT}\n"
    assert given_worker_token(path) == (pinned, "")
    assert kept_worker_token(tmp_path, None)[0] == plain


def test_a_token_that_others_could_read_is_closed_and_said(tmp_path: Path) -> None:
    token, _ = kept_worker_token(tmp_path, None)
    path = tmp_path / "worker.token"
    path.chmod(0o644)
    found, warning = kept_worker_token(tmp_path, None)
    assert (found, mode(path)) == (token, 0o600)
    assert "others could read it" in warning


@pytest.mark.parametrize(
    "content", ["", "short\n", "two words\n", "\0" * 40, "x" * 5000]
)
def test_a_file_without_a_token_gets_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "worker.token"
    path.write_text(content)
    path.chmod(0o644)
    token, warning = kept_worker_token(tmp_path, None)
    assert len(token.secret) >= 43
    assert path.read_text() == f"{token.secret}\n"
    # Nobody has read the new one.
    assert (warning, mode(path)) == ("", 0o600)


def test_a_link_in_place_of_our_own_token_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 40)
    (tmp_path / "worker.token").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        kept_worker_token(tmp_path, None)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (SECRET, WorkerToken(SECRET)),
        (f"  {SECRET} sha256:{PRINT} \n", WorkerToken(SECRET, PRINT)),
        (f"{SECRET} sha256:{PRINT.upper()}", WorkerToken(SECRET, PRINT)),
        (f"{SECRET} SHA256:{PRINT.upper()}", WorkerToken(SECRET, PRINT)),
        (f"\N{ZERO WIDTH NO-BREAK SPACE}{SECRET}\r\n", WorkerToken(SECRET)),
        (f"{SECRET} sha256:{':'.join(['ab'] * 32)}", WorkerToken(SECRET, PRINT)),
    ],
)
def test_a_given_token_is_one_line(
    tmp_path: Path, line: str, found: WorkerToken
) -> None:
    path = tmp_path / "copy"
    path.write_text(line)
    path.chmod(0o600)
    assert given_worker_token(path) == (found, "")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "a b",
        "a\nb",
        "fifteen-letters",
        f"abc sha256:{PRINT}0",
        "abc sha256:" + "x" * 64,
        "é" * 20,
    ],
)
def test_what_is_no_token_is_said_with_the_remedy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "copy"
    path.write_text(content)
    with pytest.raises(
        DoorUnusable, match=r"holds no token(.|\n)*secrets/worker.token"
    ):
        given_worker_token(path)


def test_a_missing_token_file_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DoorUnusable, match=r"No such file(.|\n)*--token-file"):
        given_worker_token(tmp_path / "none")


def test_a_given_token_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    path.write_text("abcdefghijklmnop")
    path.chmod(0o640)
    assert "chmod 600" in given_worker_token(path)[1]


def test_a_secret_is_never_shown_by_accident() -> None:
    assert "abc" not in repr(WorkerToken("abc"))
    assert "abc" not in f"{WorkerToken('abc', PRINT)}"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def scheduler(directory: Path, port: str, secret: str) -> Path:
    for name in ("run", "secrets"):
        (directory / name).mkdir(parents=True)
    (directory / "run" / "worker.port").write_text(port)
    (directory / "secrets" / "worker.token").write_text(secret)
    return directory


@pytest.mark.parametrize(
    "host", ["::", "0.0.0.0", "localhost", "127.0.0.1", "[::]", ""]
)
def test_the_scheduler_of_this_user_with_that_port_is_found(
    state: Path, host: str
) -> None:
    one = scheduler(state / "one", "6001\n", "first-secret")
    two = scheduler(state / "two", "6002\n", "second-secret")
    with announced(one), announced(two):
        assert token_on_this_host(host, 6002) == WorkerToken("second-secret")


def test_one_that_lives_comes_before_one_that_was_killed(state: Path) -> None:
    dead = scheduler(state / "a-dead", "6001", "old-secret")
    alive = scheduler(state / "b-alive", "6001", "new-secret")
    other = scheduler(state / "c-dead", "6001", "older-secret")
    held = DataDir(alive, host=socket.gethostname(), now=1.0)
    with announced(dead), announced(alive), announced(other):
        assert token_on_this_host("::", 6001).secret == "new-secret"
        held.close()
        # Nobody lives: it may be coming back, with the secret that it had.
        assert token_on_this_host("::", 6001).secret == "old-secret"


def test_a_host_that_nobody_knows_is_said(state: Path) -> None:
    with pytest.raises(
        DoorUnusable, match=r"--scheduler-host no\.such\.host\.invalid: "
    ):
        token_on_this_host("no.such.host.invalid", 6001)


def test_without_one_it_is_said_what_to_do(state: Path) -> None:
    other = scheduler(state / "one", "6001\n", "first-secret")
    with (
        announced(other),
        pytest.raises(DoorUnusable, match=r"--server-port 6002(.|\n)*--token-file"),
    ):
        token_on_this_host("localhost", 6002)


@pytest.mark.parametrize("port", ["", "x", "6002 6003", "²"])
def test_a_strange_port_file_is_nobodys(state: Path, port: str) -> None:
    with (
        announced(scheduler(state / "one", port, "secret")),
        pytest.raises(DoorUnusable),
    ):
        token_on_this_host("localhost", 6002)


def test_another_host_needs_a_copy(state: Path) -> None:
    one = scheduler(state / "one", "6001", "first-secret")
    with announced(one), pytest.raises(DoorUnusable, match="is another host"):
        token_on_this_host("192.0.2.1", 6001)


@pytest.mark.parametrize(
    ("given", "dialed"),
    [
        ("::", "localhost"),
        ("[::]", "localhost"),
        ("0.0.0.0", "localhost"),
        ("[::1]", "::1"),
        ("example.org", "example.org"),
        (" 127.0.0.1 ", "127.0.0.1"),
    ],
)
def test_the_unspecified_address_is_this_host(given: str, dialed: str) -> None:
    assert host_to_dial(given) == dialed


def test_this_hosts_own_name_is_this_host(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def resolve(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        names.append(name)
        # Of several addresses one may be that of a network which is down.
        addresses = [("192.0.2.1", 0), ("127.0.1.1", 0)]
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", one) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    one = scheduler(state / "one", "6001", "first-secret")
    with announced(one):
        assert token_on_this_host("bell.example", 6001).secret == "first-secret"
    assert names == ["bell.example"]
