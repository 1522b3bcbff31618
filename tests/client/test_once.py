"""One question and its answer over real sockets."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from bistro_tui.client.address import Address, address_in, address_of_url
from bistro_tui.client.errors import NoAnswerInTime, WentAway
from bistro_tui.client.once import Asking, NoAnswer, Refused
from bistro_tui.engine.sockets import LONGEST, unix_address
from tests.cli.fake_scheduler import Error, FakeScheduler


def asking(data_dir: Path, timeout: float = 5.0) -> Asking:
    return Asking(address_in(data_dir), timeout=timeout)


@contextmanager
def listening(data_dir: Path, answer: bytes | None) -> Iterator[None]:
    """Have one who says something, or nothing, to each who comes."""
    (data_dir / "run").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(data_dir / "run" / "api.sock"))
        door.listen()
        guests: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    guest, _ = door.accept()
                except OSError:
                    return
                guests.append(guest)
                if answer is not None:
                    guest.recv(65536)
                    guest.sendall(answer)
                    guest.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join()
            for guest in guests:
                guest.close()


def test_a_handler_is_asked_with_its_values_and_gives_data(tmp_path: Path) -> None:
    scheduler = FakeScheduler(answers={"jobs": lambda query: [query["jobs"], "\ud800"]})
    with scheduler.on(tmp_path):
        assert asking(tmp_path).ask("jobs", jobs=["a"]) == [["a"], "\ud800"]
    assert scheduler.asked == [{"handler": "jobs", "jobs": ["a"]}]
    assert "Authorization" not in scheduler.headers[0]


def test_a_socket_deep_down_is_reached_through_its_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    assert len(str(deep)) > LONGEST
    with FakeScheduler(answers={"errors": {}}).on(deep):
        assert asking(deep).ask("errors") == {}


def test_a_short_path_is_its_own_name_and_a_missing_directory_an_error(
    tmp_path: Path,
) -> None:
    with unix_address(Path("/d/api.sock")) as name:
        assert name == "/d/api.sock"
    with pytest.raises(FileNotFoundError), unix_address(tmp_path / ("x" * 200) / "s"):
        pass


def test_an_error_of_a_handler_is_a_refusal_with_its_words(tmp_path: Path) -> None:
    with (
        FakeScheduler(answers={"why": Error("Unknown job x")}).on(tmp_path),
        pytest.raises(Refused, match=r"^Unknown job x$"),
    ):
        asking(tmp_path).ask("why", job="x", node="n")


def test_a_handler_that_it_does_not_know_tells_of_its_version(tmp_path: Path) -> None:
    with (
        FakeScheduler().on(tmp_path),
        pytest.raises(Refused, match="of another version and knows no stats"),
    ):
        asking(tmp_path).ask("stats")


def test_where_no_socket_is_no_scheduler_runs(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match=f"no scheduler runs on {tmp_path}$"):
        asking(tmp_path).ask("errors")


def test_a_socket_that_a_dead_scheduler_left_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "run" / "api.sock"))
    with pytest.raises(NoAnswer, match="nobody listens there any more"):
        asking(tmp_path).ask("errors")


def test_one_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    looks: list[int] = []
    scheduler = FakeScheduler(answers={"errors": {}})
    with pytest.MonkeyPatch.context() as patch:
        opened = scheduler.on(tmp_path)

        def is_coming() -> bool:
            looks.append(1)
            if len(looks) == 3:
                opened.__enter__()
            return True

        patch.setattr("bistro_tui.client.once._AGAIN_SEC", 0.001)
        patient = Asking(address_in(tmp_path), timeout=5.0, is_coming=is_coming)
        assert patient.ask("errors") == {}
        opened.__exit__(None, None, None)
    assert len(looks) == 3


def test_one_that_does_not_come_has_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.client.once._COMING_SEC", 0.05)
    patient = Asking(address_in(tmp_path), timeout=5.0, is_coming=lambda: True)
    with pytest.raises(NoAnswer, match="does not answer"):
        patient.ask("errors")


def test_silence_ends_with_the_timeout(tmp_path: Path) -> None:
    with (
        listening(tmp_path, None),
        pytest.raises(NoAnswer, match="no answer within"),
    ):
        asking(tmp_path, timeout=0.05).ask("errors")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html/>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"it": 1}',
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 503 Busy\r\nContent-Length: 7\r\n\r\n"later"',
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    ],
)
def test_what_is_no_scheduler_gives_no_answer(answer: bytes, tmp_path: Path) -> None:
    with listening(tmp_path, answer), pytest.raises(NoAnswer, match=str(tmp_path)):
        asking(tmp_path).ask("errors")


def test_a_refused_request_is_told_with_what_to_do(tmp_path: Path) -> None:
    scheduler = FakeScheduler(status=401, body=json.dumps("needs a token").encode())
    with scheduler.on(tmp_path), pytest.raises(Refused) as refused:
        asking(tmp_path).ask("enable_job", job_id="x")
    assert "--token-file FILE" in str(refused.value)
    assert "needs a token" not in str(refused.value)


def test_a_token_that_is_not_its_own_is_told_as_that(tmp_path: Path) -> None:
    scheduler = FakeScheduler(status=401, body=b'"it needs Authorization: Bearer"')
    with scheduler.on_a_port() as port:
        url, file = f"http://localhost:{port}", tmp_path / "token"
        with pytest.raises(Refused) as refused:
            Asking(address_of_url(url, token="t", token_file=file)).ask("kill_task")
    assert str(refused.value) == f"the token in {file} is not this scheduler's"


def test_one_that_goes_away_before_it_answers_is_told_as_that(tmp_path: Path) -> None:
    with listening(tmp_path, b""), pytest.raises(WentAway) as gone:
        asking(tmp_path).ask("errors")
    text = f"the scheduler on {tmp_path} went away before it answered: "
    assert str(gone.value).startswith(text)


@pytest.mark.parametrize(
    ("handler", "seconds"), [("jobs", 5), ("disable_job", 15), ("history", 30)]
)
def test_how_long_silence_is_borne_depends_on_what_is_asked(
    handler: str, seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    borne: list[float] = []

    def silent(_asking: Asking, _body: bytes, timeout: float) -> tuple[int, bytes]:
        borne.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(Asking, "_exchange", silent)
    patient = Asking(address_in(tmp_path))
    with pytest.raises(NoAnswerInTime, match=f"no answer within {seconds} s"):
        patient.ask(handler)
    with pytest.raises(NoAnswerInTime):
        patient.ask_raw({"a": {"handler": "errors"}, "b": {"handler": handler}})
    assert borne == [seconds, seconds]


def test_over_tcp_the_token_goes_along(tmp_path: Path) -> None:
    scheduler = FakeScheduler(answers={"errors": {"a": "b"}})
    with scheduler.on_a_port() as port:
        address = address_of_url(f"http://localhost:{port}", token="t0ken")
        assert Asking(address, timeout=5.0).ask("errors") == {"a": "b"}
    (headers,) = scheduler.headers
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Host"] == f"localhost:{port}"


def test_where_nobody_listens_the_url_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(NoAnswer, match=f"{url}: no scheduler answers"):
            Asking(Address(url=url), timeout=5.0).ask("errors")


def test_tls_is_trusted_by_its_authority_alone(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with FakeScheduler(answers={"errors": {}}).on_a_port(context) as port:
        url = f"https://localhost:{port}"
        assert Asking(address_of_url(url, ca_file=ca_file)).ask("errors") == {}
        with pytest.raises(NoAnswer, match=r"not trusted.*--tls-ca FILE"):
            Asking(address_of_url(url)).ask("errors")
        other = address_of_url(f"https://127.0.0.1:{port}", ca_file=ca_file)
        with pytest.raises(NoAnswer, match="is for another name") as refused:
            Asking(other).ask("errors")
        assert "--tls-ca" not in str(refused.value)
        with pytest.raises(NoAnswer, match=r"https://\?$"):
            Asking(address_of_url(f"http://localhost:{port}")).ask("errors")


def test_a_port_that_speaks_no_tls_is_told() -> None:
    with FakeScheduler().on_a_port() as port:
        address = address_of_url(f"https://localhost:{port}")
        with pytest.raises(NoAnswer, match="speaks no TLS"):
            Asking(address, timeout=5.0).ask("errors")
