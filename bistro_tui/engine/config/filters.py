"""Which nodes of a level a job may use.

Source: Bistro, config/JobFilters.
"""

import functools
import hashlib
from dataclasses import dataclass
from typing import Protocol


class RegexError(ValueError):
    """A filter's regular expression cannot be used; the message says why."""


class _Searcher(Protocol):
    def search(self, text: str) -> object | None: ...


_HASH_RANGE = 2**32

_UNSUPPORTED = (
    "invalid perl operator",
    "invalid escape sequence: \\1",
    "invalid escape sequence: \\2",
)


# Bounded, because a config may be replaced for months while the program runs.
@functools.lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> _Searcher:
    """Return the compiled pattern; searching it takes time linear in the text.

    Raises RegexError for an empty pattern and for what RE2 cannot do.
    """
    if not pattern:
        raise RegexError("must not be empty: an empty regex matches every name")
    # Loading RE2 costs milliseconds that a config without regexes need not pay.
    import re2  # type: ignore[import-untyped]  # it has no types

    options = re2.Options()
    options.log_errors = False  # it would write to our stderr, under the screen
    options.never_capture = True
    try:
        compiled: _Searcher = re2.compile(pattern, options)
    except re2.error as error:
        raise RegexError(_explain(error.args[0])) from None
    except UnicodeEncodeError:
        raise RegexError("must be valid Unicode text") from None
    return compiled


def _explain(reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    if text.startswith(_UNSUPPORTED):
        return (
            f"is not a regex that can be used here: {text} (lookaround and "
            "backreferences are left out, so that matching never takes long)"
        )
    return f"is not a valid regex: {text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFilter:
    """All conditions of one level; a node passes if every given one holds."""

    whitelist: frozenset[str] = frozenset()
    whitelist_regex: str | None = None
    blacklist: frozenset[str] = frozenset()
    blacklist_regex: str | None = None
    tag_whitelist: frozenset[str] = frozenset()
    fraction_of_nodes: float = 1.0
    """The share of the level's nodes to use; 0 and less, 1 and more: all of them."""

    def accepts(self, *, job: str, node: str, tags: frozenset[str]) -> bool:
        """Return whether a node of that name and tags passes for that job."""
        return (
            (not self.whitelist or node in self.whitelist)
            and node not in self.blacklist
            and (not self.tag_whitelist or not self.tag_whitelist.isdisjoint(tags))
            and self._regexes_accept(node)
            and self._is_in_fraction(job, node)
        )

    def _regexes_accept(self, node: str) -> bool:
        if self.whitelist_regex is not None and not _found(self.whitelist_regex, node):
            return False
        return self.blacklist_regex is None or not _found(self.blacklist_regex, node)

    def _is_in_fraction(self, job: str, node: str) -> bool:
        if not 0.0 < self.fraction_of_nodes < 1.0:
            return True
        return _hash(job, node) < self.fraction_of_nodes * _HASH_RANGE


def _found(pattern: str, text: str) -> bool:
    return compile_regex(pattern).search(text) is not None


def _hash(job: str, node: str) -> int:
    # Not hash(): that one is salted per process, so every restart would choose
    # other nodes. Not a CRC either: it is linear, so two jobs would choose related
    # sets of nodes. The NUL keeps ("ab", "c") and ("a", "bc") apart.
    both = f"{node}\0{job}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(both, digest_size=4).digest(), "big")
