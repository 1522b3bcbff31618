"""The port for workers: where it may be, its files, its certificate."""

import socket
import stat
from functools import partial
from pathlib import Path

import pytest

from bistro_tui.engine.errors import DataDirUnusable, DoorUnusable
from bistro_tui.engine.remote import certificate, listener
from bistro_tui.engine.remote.certificate import fingerprint_of, own_certificate
from bistro_tui.engine.remote.complaints import Complaints
from bistro_tui.engine.remote.listener import Listener, ListeningPlan, plan_listening
from tests.engine.api.doorsteps import has_ipv6
from tests.engine.remote.sides import Pair, Side, until, update


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def plan(
    address: str | None = None,
    *,
    port: int = 0,
    cert: Path | None = None,
    key: Path | None = None,
) -> ListeningPlan:
    return plan_listening(port=port, address=address, tls_cert=cert, tls_key=key)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_by_default_it_is_both_families_of_loopback_without_tls(
    pair: Pair,
) -> None:
    async with pair.listening(address=None) as one:
        assert one.address == f"localhost:{one.port}"
        assert pair.token().fingerprint is None
        hosts = ["127.0.0.1", "localhost", "::", *(["::1"] * has_ipv6())]
        for host in hosts:
            side = Side()
            async with pair.dialing(one.port, host=host, side=side):
                await until(partial(getattr, side, "links"))


@pytest.mark.skipif(not has_ipv6(), reason="this host has no ::1")
async def test_who_comes_by_ipv4_is_named_so_also_where_both_families_come_in(
    pair: Pair,
) -> None:
    async with pair.linked(address="::"):
        assert pair.scheduler.link.peer.address.startswith("127.0.0.1:")


async def test_the_port_and_the_token_are_where_workers_look_and_only_while_it_is_open(
    pair: Pair,
) -> None:
    port_file = pair.run / "worker.port"
    port_file.write_text("1\n")
    async with pair.listening() as one:
        assert port_file.read_text() == f"{one.port}\n"
        assert mode(port_file) == mode(pair.token_file) == 0o600
        secret = pair.token().secret
    assert not port_file.exists()
    async with pair.listening():
        assert pair.token().secret == secret


async def test_closing_twice_or_without_having_begun_is_harmless(pair: Pair) -> None:
    one = Listener(plan(), pair.scheduler.handlers)
    await one.close()
    one.open(pair.secrets, pair.run)
    port = one.port
    await one.close()
    await one.close()
    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port


async def test_closing_ends_all_links_and_says_why(pair: Pair) -> None:
    async with pair.linked() as one:
        await one.close()
        await until(lambda: pair.scheduler.ends and pair.worker.ends)
    assert pair.scheduler.ends == ["the scheduler stops"]
    assert not pair.scheduler.link.is_open


def test_a_port_in_use_is_said_with_what_to_do(pair: Pair) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = Listener(plan("127.0.0.1", port=port), pair.scheduler.handlers)
        with pytest.raises(
            DoorUnusable, match=f"--server-port {port}: another program"
        ):
            one.open(pair.secrets, pair.run)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_it_wants_tls_and_says_both_ways_to_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "can_be_made", lambda: False)
    with pytest.raises(DoorUnusable) as refused:
        plan(address)
    text = str(refused.value)
    assert f"--server-address {address}" in text
    assert "pip install 'bistro-tui[tls]'" in text
    assert "--server-tls-cert FILE" in text
    assert "--server-tls-key FILE" in text


def test_half_a_certificate_and_a_missing_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(DoorUnusable, match="--server-tls-cert needs --server-tls-key"):
        plan(cert=tmp_path / "c")
    with pytest.raises(DoorUnusable, match="--server-tls-key needs --server-tls-cert"):
        plan(key=tmp_path / "c")
    with pytest.raises(DoorUnusable, match=r"--server-tls-cert .*: No such file"):
        plan(cert=tmp_path / "c", key=tmp_path / "k")


def test_an_unknown_address_is_said() -> None:
    with pytest.raises(DoorUnusable, match="--server-address no such host: "):
        plan("no such host")


async def test_beyond_loopback_it_makes_its_certificate_once_and_the_token_pins_it(
    pair: Pair,
) -> None:
    made = pair.secrets / "worker-tls.pem"
    async with pair.linked(address="0.0.0.0") as one:
        assert one.address == f"0.0.0.0:{one.port}"
        assert mode(made) == 0o600
        first = pair.token()
        assert first.fingerprint == fingerprint_of(made)
        pair.worker.ask(update())
        await until(lambda: pair.worker.outcomes)
    async with pair.listening(address="0.0.0.0"):
        assert pair.token() == first
    # Back on loopback, the same secret does without.
    async with pair.listening():
        assert pair.token().secret == first.secret
        assert pair.token().fingerprint is None


@pytest.mark.parametrize("content", ["", "junk", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_our_own_certificate_when_damaged_is_named_and_kept(
    pair: Pair, content: str
) -> None:
    made = pair.secrets / "worker-tls.pem"
    made.write_text(content)
    one = Listener(plan("0.0.0.0"), pair.scheduler.handlers)
    with pytest.raises(DataDirUnusable, match=r"worker-tls.pem: holds no certificate"):
        one.open(pair.secrets, pair.run)
    assert made.read_text() == content


def test_a_certificate_without_its_key_is_named(pair: Pair) -> None:
    made = own_certificate(pair.secrets)
    made.write_text(made.read_text().partition("-----BEGIN CERTIFICATE")[2])
    made.write_text(f"-----BEGIN CERTIFICATE{made.read_text()}")
    one = Listener(plan("0.0.0.0"), pair.scheduler.handlers)
    with pytest.raises(DataDirUnusable, match="holds no certificate with its key"):
        one.open(pair.secrets, pair.run)


def test_secrets_that_cannot_be_kept_are_said(tmp_path: Path) -> None:
    one = Listener(plan(), Side().handlers)
    with pytest.raises(DataDirUnusable, match="the token for workers cannot be kept"):
        one.open(tmp_path / "none", tmp_path)


def test_whether_certificates_can_be_made_is_found_without_loading_the_library() -> (
    None
):
    assert certificate.can_be_made()


def test_complaints_come_once_a_minute_for_each_visitor() -> None:
    complaints = Complaints()
    assert complaints.of("a", "one", 0.0) == "one"
    assert complaints.of("a", "two", 59.9) == ""
    assert complaints.of("b", "three", 59.9) == "three"
    assert complaints.of("a", "four", 60.0) == "four (1 more since the last such line)"


def test_complaints_of_very_many_visitors_are_bounded_in_memory_and_number() -> None:
    complaints = Complaints()
    said = [complaints.of(f"{n}", "x", 0.0) for n in range(5000)]
    assert sum(map(bool, said)) == 1001
    assert complaints.of("new", "x", 61.0) == "x"
