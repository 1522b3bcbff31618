"""Who comes in by TCP at all: rebound names and pages from elsewhere do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.api.gate import Gate

PORT = 6790
LOCAL = Gate(
    scheme="http",
    port=PORT,
    names=frozenset({"localhost", "127.0.0.1", "::1"}),
    is_loopback=True,
)
WIDE = Gate(
    scheme="https",
    port=PORT,
    names=frozenset({"0.0.0.0", "build7"}),
    is_loopback=False,
)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:6790",
        "localhost",
        "LocalHost:6790",
        "127.0.0.1:6790",
        "127.0.0.1",
        "127.8.9.10:6790",
        "[::1]:6790",
        "[::1]",
        "[0:0:0:0:0:0:0:1]:6790",
        "[::]:6790",
    ],
)
def test_a_host_of_this_machine_passes(host: str) -> None:
    assert LOCAL.refusal(hosts=[host]) == ""


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:6790",
        "localhost.evil.example:6790",
        "127.0.0.1.evil.example:6790",
        "evil.localhost:6790",
        "localhost.:6790",
        "localhost..:6790",
        ".localhost:6790",
        "127.0.0.1.:6790",
        "localhost:80",
        "localhost:67900",
        "localhost:999999",
        "localhost:",
        "localhost:6790:6790",
        "localhost:6790@evil.example",
        "evil.example@localhost:6790",
        "user:pw@localhost:6790",
        "localhost:+6790",
        "localhost:6790 ",
        " localhost:6790",
        "localhost:6790/",
        "localhost/:6790",
        "localhost,evil.example:6790",
        "127.1:6790",
        "127.0.1:6790",
        "2130706433:6790",
        "0x7f000001:6790",
        "0x7f.0.0.1:6790",
        "0177.0.0.1:6790",
        "127.0.0.01:6790",
        "0.0.0.0:6790",
        "0:6790",
        "10.0.0.1:6790",
        "192.168.1.1:6790",
        "169.254.169.254:6790",
        "128.0.0.1:6790",
        "::1:6790",
        "::1",
        "[::1:6790",
        "::1]:6790",
        "[::2]:6790",
        "[::1%lo]:6790",
        "[::1%25lo]:6790",
        "[::ffff:127.0.0.1]:6790",
        "[fe80::1]:6790",
        "[127.0.0.1]:6790",
        "[localhost]:6790",
        "[]:6790",
        "",
        ":6790",
        "loc\u0430lhost:6790",
        "ｌｏｃａｌｈｏｓｔ:6790",
        "127.0.0.1\u3002:6790",
        "localhost\x00:6790",
        "xn--localhost-:6790",
    ],
)
def test_a_host_that_is_another_ones_or_spelled_oddly_is_refused(host: str) -> None:
    assert "Host" in LOCAL.refusal(hosts=[host])


@pytest.mark.parametrize("hosts", [[], ["localhost:6790"] * 2, ["localhost", "evil"]])
def test_a_request_has_one_host(hosts: list[str]) -> None:
    assert LOCAL.refusal(hosts=hosts)


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        ("http://localhost:6790", True),
        ("http://127.0.0.1:6790", True),
        ("http://[::1]:6790", True),
        ("HTTP://localhost:6790", True),
        ("null", False),
        ("", False),
        ("file://", False),
        ("http://localhost", False),
        ("http://localhost:3000", False),
        ("https://localhost:6790", False),
        ("http://evil.example", False),
        ("http://evil.example:6790", False),
        ("http://localhost:6790.evil.example", False),
        ("http://localhost:6790@evil.example", False),
        ("http://localhost:6790/", False),
        ("http://localhost:6790 http://evil.example", False),
        ("chrome-extension://abcdef", False),
        ("moz-extension://localhost:6790", False),
        ("localhost:6790", False),
        ("http://", False),
    ],
)
def test_only_an_origin_of_our_own_passes(origin: str, *, passes: bool) -> None:
    found = LOCAL.refusal(hosts=["localhost:6790"], origins=[origin])
    assert (found == "") is passes


def test_two_origins_are_one_too_many() -> None:
    origins = ["http://localhost:6790"] * 2
    assert LOCAL.refusal(hosts=["localhost:6790"], origins=origins)


@pytest.mark.parametrize(
    ("sites", "passes"),
    [
        ([], True),
        (["none"], True),
        (["same-origin"], True),
        (["same-site"], False),
        (["cross-site"], False),
        (["Same-Origin"], False),
        (["none", "cross-site"], False),
        ([""], False),
        (["none, same-origin"], False),
    ],
)
def test_a_page_of_another_site_is_refused(sites: list[str], *, passes: bool) -> None:
    found = LOCAL.refusal(hosts=["localhost:6790"], sites=sites)
    assert (found == "") is passes


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("build7:6790", True),
        ("BUILD7", True),
        ("10.1.2.3:6790", True),
        ("localhost:6790", True),
        ("10.1.2.4:6790", False),
        ("build7.evil.example:6790", False),
        ("build8:6790", False),
    ],
)
def test_beyond_loopback_the_bound_name_and_the_address_that_was_reached_pass(
    host: str, *, passes: bool
) -> None:
    assert (WIDE.refusal(hosts=[host], came_in_by="10.1.2.3") == "") is passes


def test_an_address_of_an_ipv6_connection_passes_in_brackets_only() -> None:
    seen = "2001:db8::7"
    assert WIDE.refusal(hosts=[f"[{seen}]:6790"], came_in_by=seen) == ""
    assert WIDE.refusal(hosts=[f"{seen}:6790"], came_in_by=seen)


def test_the_default_port_of_the_scheme_need_not_be_named_in_an_origin() -> None:
    plain = Gate(scheme="http", port=80, names=frozenset(), is_loopback=True)
    assert plain.refusal(hosts=["localhost"], origins=["http://localhost"]) == ""
    assert LOCAL.refusal(hosts=["localhost"], origins=["http://localhost"])


@given(st.text(), st.text(), st.text())
def test_no_header_is_an_error_and_what_passes_is_plain_ascii(
    host: str, origin: str, site: str
) -> None:
    if LOCAL.refusal(hosts=[host], origins=[origin], sites=[site]) == "":
        assert (host + origin + site).isascii()
