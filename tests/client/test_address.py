"""Which URLs name a scheduler."""

from pathlib import Path

import pytest

from bistro_tui.client.address import Address, address_in, address_of_url


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://localhost:6790", "http://localhost:6790"),
        ("http://localhost:6790/", "http://localhost:6790"),
        ("http://[::1]:6790", "http://[::1]:6790"),
        ("https://db.example.com", "https://db.example.com:443"),
        ("http://LOCALHOST", "http://localhost:80"),
    ],
)
def test_a_url_is_scheme_host_and_port(url: str, named: str) -> None:
    assert address_of_url(url) == Address(url=named)
    assert str(address_of_url(url)) == named


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:6790", "did you mean http://localhost:6790?"),
        ("ftp://localhost", "neither http:// nor https://"),
        ("http://", "neither|names no host"),
        ("http://:80", "names no host"),
        ("http://host:0", "names no host and port"),
        ("http://host:port", "could not be cast"),
        ("http://host:99999", "out of range"),
        ("http://[::1", "Invalid IPv6"),
        ("http://host/path", "has no path /path"),
        ("http://ho st", "is no URL"),
        ("http://h\x1b[0m", "is no URL"),
        ("", "neither http:// nor https://"),
    ],
)
def test_what_is_no_url_is_refused_with_what_one_looks_like(
    url: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        address_of_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://s3cret@h:1", "http://u:s3cret@h:1", "http://h:1?t=s3cret", "h#s3cret"],
)
def test_a_url_with_a_secret_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="--token-file FILE") as refused:
        address_of_url(url)
    assert "s3cret" not in str(refused.value)


def test_a_token_travels_in_clear_only_on_this_host() -> None:
    for host in ("localhost", "127.0.0.1", "127.8.8.8", "[::1]", "[::]"):
        assert address_of_url(f"http://{host}:1", token="t").token == "t"
    assert address_of_url("https://db:1", token="t").token == "t"
    with pytest.raises(ValueError, match="in clear to db; use https"):
        address_of_url("http://db:1", token="t")


def test_a_ca_file_is_for_tls() -> None:
    with pytest.raises(ValueError, match="--tls-ca is for https"):
        address_of_url("http://localhost:1", ca_file=Path("ca.pem"))


def test_a_token_is_never_shown() -> None:
    address = address_of_url("https://db:1", token="s3cret")
    assert "s3cret" not in f"{address} {address!r}"


def test_a_data_directory_has_its_socket_in_run() -> None:
    assert str(address_in(Path("/d"))) == "/d/run/api.sock"
