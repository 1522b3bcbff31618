"""Which doors may be opened, and what it says when they may not."""

import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine import tcp_binding
from bistro_tui.engine.api.binding import bind_tcp, bind_unix, plan_tcp
from bistro_tui.engine.api.doors import Doors
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.sockets import unix_address
from tests.engine.api.doorsteps import has_ipv6
from tests.engine.api.test_server import write_tls


def options(**chosen: Any) -> EngineOptions:
    return EngineOptions(config_path=Path("c.json"), **chosen)


def close_all(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def test_without_a_port_there_is_no_tcp_door() -> None:
    assert plan_tcp(options()) is None
    assert plan_tcp(options(http_server_address="0.0.0.0")) is None


def test_by_default_both_families_of_loopback_have_one_port() -> None:
    plan = plan_tcp(options(http_server_port=0))
    assert plan is not None
    sockets, port = bind_tcp(plan)
    try:
        bound = {one.getsockname()[:2] for one in sockets}
    finally:
        close_all(sockets)
    assert bound == {(at, port) for at in ("127.0.0.1", *(["::1"] * has_ipv6()))}
    assert plan.url(port) == f"http://localhost:{port}"
    assert plan.is_loopback


@pytest.mark.skipif(not has_ipv6(), reason="this host has no ::1")
def test_another_port_is_picked_where_the_second_family_has_it_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_tcp(options(http_server_port=0))
    assert plan is not None
    taken: list[socket.socket] = []
    real = tcp_binding._prepare

    def take_first(one: socket.socket, family: int, address: Any) -> None:
        real(one, family, address)
        if family == socket.AF_INET6 and not taken:
            port = first[0].getsockname()[1]
            taken.append(socket.create_server(("::1", port), family=socket.AF_INET6))
        elif family == socket.AF_INET:
            first[:] = [one]

    first: list[socket.socket] = []
    monkeypatch.setattr(tcp_binding, "_prepare", take_first)
    sockets, port = bind_tcp(plan)
    try:
        assert {one.getsockname()[1] for one in sockets} == {port}
        assert taken[0].getsockname()[1] != port
    finally:
        close_all([*sockets, *taken])


def test_where_there_is_no_ipv6_the_other_family_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_tcp(options(http_server_port=0))
    assert plan is not None

    def refuse(_one: socket.socket, family: int, _address: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(tcp_binding, "_prepare", refuse)
    sockets, _ = bind_tcp(plan)
    close_all(sockets)
    assert [one.family for one in sockets] == [socket.AF_INET]


@pytest.mark.parametrize("address", [None, "127.0.0.1", "localhost"])
def test_a_port_in_use_is_said_with_what_to_do(address: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        plan = plan_tcp(options(http_server_port=port, http_server_address=address))
        assert plan is not None
        with pytest.raises(DoorUnusable, match="another program listens") as caught:
            bind_tcp(plan)
        assert str(port) in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost"])
def test_loopback_may_be_named(address: str) -> None:
    plan = plan_tcp(options(http_server_port=0, http_server_address=address))
    assert plan is not None
    assert plan.is_loopback
    assert plan.host in plan.url(7)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "[::]", "10.1.2.3", "192.168.0.1", "2001:db8::1", "0"]
)
@pytest.mark.parametrize(
    "left_out", ["http_tls_cert", "http_tls_key", "http_token_file", None]
)
def test_beyond_loopback_all_three_files_are_needed(
    tmp_path: Path, address: str, left_out: str | None
) -> None:
    _, files = write_tls(tmp_path, "localhost")
    given = {name: path for name, path in files.items() if name != left_out}
    asked = options(http_server_port=0, http_server_address=address, **given)
    if left_out is None:
        plan = plan_tcp(asked)
        assert plan is not None
        assert not plan.is_loopback
        assert plan.scheme == "https"
        return
    with pytest.raises(DoorUnusable) as caught:
        plan_tcp(asked)
    assert f"--{left_out.replace('_', '-')} FILE" in str(caught.value)
    others = {f"--{name.replace('_', '-')} FILE" for name in given}
    assert not [name for name in others if name in str(caught.value)]


def test_bare_beyond_loopback_is_told_all_three() -> None:
    with pytest.raises(DoorUnusable) as caught:
        plan_tcp(options(http_server_port=0, http_server_address="0.0.0.0"))
    for flag in ("--http-tls-cert", "--http-tls-key", "--http-token-file"):
        assert flag in str(caught.value)


@pytest.mark.parametrize(
    "name", ["no-such-host.invalid", "bad name", "a" * 300, "x..y"]
)
def test_a_name_that_leads_nowhere_is_named(name: str) -> None:
    with pytest.raises(DoorUnusable, match="--http-server-address"):
        plan_tcp(options(http_server_port=0, http_server_address=name))


def test_an_address_of_another_host_cannot_be_listened_on(tmp_path: Path) -> None:
    _, files = write_tls(tmp_path, "localhost")
    asked = options(http_server_port=0, http_server_address="192.0.2.1", **files)
    plan = plan_tcp(asked)
    assert plan is not None
    with pytest.raises(DoorUnusable, match="no such address"):
        bind_tcp(plan)


@pytest.mark.parametrize("flag", ["http_tls_cert", "http_tls_key"])
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_certificate_or_key_that_cannot_be_used_is_named(
    tmp_path: Path, flag: str, content: str | None
) -> None:
    _, files = write_tls(tmp_path, "localhost")
    files[flag].unlink()
    if content is not None:
        files[flag].write_text(content)
    with pytest.raises(DoorUnusable) as caught:
        plan_tcp(options(http_server_port=0, **files))
    assert str(files[flag]) in str(caught.value)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    _, files = write_tls(tmp_path, "localhost")
    _, other = write_tls(tmp_path / "other", "localhost")
    with pytest.raises(DoorUnusable, match="MISMATCH"):
        plan_tcp(
            options(
                http_server_port=0, **files | {"http_tls_key": other["http_tls_key"]}
            )
        )


@pytest.mark.parametrize("given", ["http_tls_cert", "http_tls_key"])
def test_certificate_and_key_belong_together(tmp_path: Path, given: str) -> None:
    _, files = write_tls(tmp_path, "localhost")
    with pytest.raises(DoorUnusable, match="needs"):
        plan_tcp(options(http_server_port=0, **{given: files[given]}))


def test_an_encrypted_key_asks_nobody_for_its_password(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as pem

    _, files = write_tls(tmp_path, "localhost")
    key = pem.load_pem_private_key(files["http_tls_key"].read_bytes(), None)
    files["http_tls_key"].write_bytes(
        key.private_bytes(
            pem.Encoding.PEM,
            pem.PrivateFormat.PKCS8,
            pem.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(DoorUnusable, match="encrypted"):
        plan_tcp(options(http_server_port=0, **files))


# The unix socket.


def reached(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, unix_address(path) as name:
        try:
            client.connect(name)
        except OSError:
            return False
        return True


@pytest.mark.parametrize("length", [20, 107, 108, 200])
def test_a_socket_is_bound_and_reached_however_long_its_path_is(
    tmp_path: Path, length: int
) -> None:
    directory = tmp_path / "d"
    while len(str(directory)) + 10 < max(length, len(str(tmp_path)) + 12):
        left = max(length, len(str(tmp_path)) + 12) - len(str(directory)) - 10
        directory = directory / ("x" * min(left, 100))
    directory.mkdir(parents=True)
    path = directory / "api.sock"
    with bind_unix(path):
        assert reached(path)
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert not reached(path)


def test_the_sockets_mode_depends_on_no_umask_and_changes_none(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    before = os.umask(0o077)
    try:
        for umask in (0, 0o022, 0o277):
            os.umask(umask)
            bind_unix(path).close()
            assert stat.S_IMODE(path.lstat().st_mode) == 0o600
            assert os.umask(umask) == umask
    finally:
        os.umask(before)


def test_what_a_dead_scheduler_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    bind_unix(path).close()
    assert path.exists()
    with bind_unix(path):
        assert reached(path)


def held(path: Path) -> DataDir:
    return DataDir(path, host="here", now=1.0)


def test_doors_leave_no_names_behind_and_replace_stale_ones(tmp_path: Path) -> None:
    data_dir = held(tmp_path / "data")
    (data_dir.run / "http.port").write_text("1\n")
    doors = Doors(options(http_server_port=0))
    with doors.opened(data_dir):
        assert not (data_dir.run / "http.port").exists()
        doors.publish_port()
        assert doors.gate is not None
        assert (data_dir.run / "http.port").read_text() == f"{doors.gate.port}\n"
        assert reached(data_dir.run / "api.sock")
    assert not (data_dir.run / "http.port").exists()
    assert not (data_dir.run / "api.sock").exists()
    doors.close()
    data_dir.close()


def test_where_no_socket_can_be_made_the_scheduler_goes_on_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> socket.socket:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("bistro_tui.engine.api.doors.bind_unix", refuse)
    data_dir = held(tmp_path / "data")
    doors = Doors(options())
    with doors.opened(data_dir):
        assert doors.unix is None
        assert "Operation not permitted" in doors.trouble
    data_dir.close()


def test_connections_are_a_share_of_the_descriptors_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for soft, tcp, unix in (
        (64, 8, 4),
        (1024, 128, 64),
        (1_000_000, 512, 256),
        (-1, 512, 256),
    ):
        monkeypatch.setattr("resource.getrlimit", lambda _, soft=soft: (soft, soft))
        found = Limits.of_this_process()
        assert (found.tcp_connections, found.unix_connections) == (tcp, unix)
