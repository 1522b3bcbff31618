"""Whether a word can be the name or the address of a host."""

import re
from contextlib import suppress
from ipaddress import ip_address

_LONGEST = 253
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_MORE = re.compile(r"(?:\w+://)?(?:[^@/]*@)?(\[[^]]*\]|[^:/]+)(?::(\d*))?(?:/.*)?")


def is_host(word: str) -> bool:
    """Return whether a host may be called so; an address may stand in brackets."""
    plain = word.strip()
    if plain.startswith("[") and plain.endswith("]"):
        return _is_address(plain[1:-1])
    is_name = len(plain) <= _LONGEST and _NAME.fullmatch(plain) is not None
    return is_name or _is_address(plain)


def meant_host(word: str) -> tuple[str, str]:
    """Return the host and the port that stand in a word like a URL; empty: none."""
    found = _MORE.fullmatch(word.strip())
    host = found[1].strip("[]") if found is not None else ""
    if found is None or not is_host(host):
        return "", ""
    return host, found[2] or ""


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        ip_address(text)
        return True
    return False
