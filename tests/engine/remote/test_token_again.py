"""A worker whose token is not the right one any more reads it again."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trustme

from bistro_tui.engine.live import announced
from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.token_place import TokenPlace
from tests.engine.remote.sides import NO_TLS, Pair, Tls, until


@pytest.fixture
def pair(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Pair:
    caplog.set_level(logging.INFO, logger="bistro_tui")
    return Pair(tmp_path / "first")


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """Data directories of schedulers that serve can be entered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with ExitStack() as stack:
        yield stack


def certificate(directory: Path) -> Tls:
    directory.mkdir()
    found = trustme.CA().issue_cert("localhost")
    tls = Tls(directory / "cert.pem", directory / "key.pem")
    assert tls.cert is not None
    assert tls.key is not None
    found.cert_chain_pems[0].write_to_path(tls.cert)
    found.private_key_pem.write_to_path(tls.key)
    return tls


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the worker said of its scheduler."""
    lines = [one.getMessage() for one in caplog.records]
    return [one for one in lines if one.startswith("scheduler at 127.0.0.1:")]


def a_copy(pair: Pair, tmp_path: Path) -> Path:
    """Return a file as a person has copied it."""
    path = tmp_path / "copy"
    shutil.copy(pair.token_file, path)
    path.chmod(0o600)
    return path


def named(file: Path) -> TokenPlace:
    return TokenPlace(host="127.0.0.1", port=0, file=file)


@asynccontextmanager
async def moved(pair: Pair, port: int, *, tls: Tls = NO_TLS) -> AsyncIterator[None]:
    """Listen at that port, and note no link of before."""
    pair.scheduler.links.clear()
    pair.worker.links.clear()
    async with pair.listening(port=port, tls=tls):
        yield


async def test_after_a_refused_proof_the_file_that_was_named_is_read_again(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        port, copy = listener.port, a_copy(pair, tmp_path)
    old = pair.token()
    pair.token_file.unlink()
    async with (
        moved(pair, port),
        pair.dialing(port, token=old, place=named(copy)),
    ):
        await until(lambda: said(caplog))
        await asyncio.sleep(0.1)
        [line] = said(caplog)
        assert "it has another secret than this worker's token file" in line
        assert line.endswith(
            f"; trying again, each time with what --token-file {copy} has"
        )
        shutil.copy(pair.token_file, copy)
        await until(lambda: pair.scheduler.links)
        [_, line] = said(caplog)
        assert line.endswith(
            f": --token-file {copy} has another token now; trying with that one"
        )


async def test_after_a_failed_pin_it_is_read_again(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening(tls=certificate(tmp_path / "one")) as listener:
        port, copy, old = listener.port, a_copy(pair, tmp_path), pair.token()
    async with (
        moved(pair, port, tls=certificate(tmp_path / "two")),
        pair.dialing(port, token=old, place=named(copy)),
    ):
        await until(lambda: said(caplog))
        assert "another certificate than the token file pins" in said(caplog)[0]
        shutil.copy(pair.token_file, copy)
        await until(lambda: pair.scheduler.links)
    assert pair.token().secret == old.secret


@pytest.mark.parametrize("is_switched_on", [True, False])
async def test_when_tls_is_switched_on_or_off_it_is_read_again(
    pair: Pair, tmp_path: Path, is_switched_on: bool
) -> None:
    ways = (NO_TLS, certificate(tmp_path / "one"))
    before, after = ways if is_switched_on else ways[::-1]
    async with pair.listening(tls=before) as listener:
        port, old = listener.port, pair.token()
    place = named(pair.token_file)
    async with moved(pair, port, tls=after), pair.dialing(port, token=old, place=place):
        await until(lambda: pair.scheduler.links)


async def test_a_scheduler_on_this_host_with_another_data_directory_is_found(
    pair: Pair,
    live: ExitStack,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = Pair(tmp_path / "second")
    other.worker = pair.worker
    live.enter_context(announced(tmp_path / "second"))
    with announced(tmp_path / "first"):
        async with pair.listening() as listener:
            port = listener.port
            place = TokenPlace(host="127.0.0.1", port=port, file=None)
            token, warning = place.read()
    assert (token, warning) == (pair.token(), "")
    async with moved(other, port), other.dialing(port, token=token, place=place):
        await until(lambda: other.scheduler.links)
    assert other.token() != token
    assert said(caplog)[0].endswith(
        ": your scheduler on this host has another token now; trying with that one"
    )


async def test_a_file_that_is_no_token_for_now_is_said_and_read_again(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        port, copy, old = listener.port, a_copy(pair, tmp_path), pair.token()
    pair.token_file.unlink()
    copy.unlink()
    async with moved(pair, port), pair.dialing(port, token=old, place=named(copy)):
        await until(lambda: said(caplog))
        [line] = said(caplog)
        assert f"no token to read again: --token-file {copy}: No such file" in line
        # As one finds it that is being copied.
        copy.write_text("half-a")
        copy.chmod(0o640)
        await until(lambda: len(said(caplog)) == 2)
        assert "holds no token of a scheduler; trying again" in said(caplog)[1]
        copy.write_text(pair.token_file.read_text())
        await until(lambda: pair.scheduler.links)
    assert any("chmod 600" in one.getMessage() for one in caplog.records)


async def test_a_token_that_stays_wrong_is_tried_no_more_often(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []
    pause = Dialer._pause

    def noted(dialer: Dialer, number: int) -> float:
        failures.append(number)
        return pause(dialer, number)

    monkeypatch.setattr(Dialer, "_pause", noted)
    async with pair.listening() as listener:
        port, copy, old = listener.port, a_copy(pair, tmp_path), pair.token()
    pair.token_file.unlink()
    async with moved(pair, port), pair.dialing(port, token=old, place=named(copy)):
        await until(lambda: len(failures) >= 4)
        shutil.copy(pair.token_file, copy)
        await until(lambda: pair.scheduler.links)
    # With another token there is no reason to wait longer than after a lost link.
    changed = failures.index(0)
    assert failures[:changed] == list(range(1, changed + 1))


async def test_where_nobody_listens_no_token_is_looked_for(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        port, copy, old = listener.port, a_copy(pair, tmp_path), pair.token()
    copy.write_text("x" * 40)
    async with pair.dialing(port, token=old, place=named(copy)):
        await until(lambda: said(caplog))
        async with moved(pair, port):
            await until(lambda: pair.scheduler.links)
    assert not [one for one in said(caplog) if "another token" in one]
