"""The one place where foreign text becomes safe to show.

Names, output, errors and config text come from outside. Before any of it reaches a
widget it passes through here: nothing that a terminal would obey, and nothing that
reorders or hides text, is left. Each such character is shown as a visible stand-in:

- C0 controls and DEL as their control pictures: ESC is ``␛``, NUL is ``␀``.
- C1 controls, bidi controls, zero-width and other format characters, line and
  paragraph separators, blank fillers: as ``<U+202E>``.
- Lone surrogates and bytes that are not UTF-8: as U+FFFD.
- Joiners and variation selectors only choose the shape of their neighbours, and
  terminals disagree about the width of the result: they are dropped.
- A combining mark at the very start, which would attach to whatever stands before the
  text, is given a dotted circle to stand on.
"""

import re
import unicodedata

__all__ = ["NAME_LIMIT", "clean", "clean_lines", "clean_log", "clean_name"]

NAME_LIMIT = 256
"""Characters of a name that are shown; the rest becomes an ellipsis."""

_DROPPED = "\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_NAMED = (
    "\u0080-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_FOREIGN = re.compile(f"[\x00-\x1f\x7f{_NAMED}\ud800-\udfff{_DROPPED}]")
_DROP = re.compile(f"[{_DROPPED}]")


def _stand_in(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if _DROP.match(char):
        return ""
    return f"<U+{code:04X}>"


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def clean(text: str | bytes) -> str:
    """Return the text as one visible line; newlines and tabs become ``␊`` and ``␉``."""
    text = _decoded(text)
    # Almost all text is clean: two scans in C, and nothing is copied.
    if text.isascii():
        return text if text.isprintable() else _FOREIGN.sub(_stand_in, text)
    text = _FOREIGN.sub(_stand_in, text)
    if text and unicodedata.category(text[0]).startswith("M"):
        return "◌" + text
    return text


def clean_name(text: str | bytes, *, limit: int = NAME_LIMIT) -> str:
    """Return ``clean`` of the text, cut to at most ``limit`` characters of it."""
    if len(text) > limit:
        return clean(_decoded(text[: limit - 1])) + "…"
    return clean(text)


def clean_lines(text: str | bytes) -> list[str]:
    """Return a message of several lines, each clean and with its tabs expanded."""
    lines = _decoded(text).split("\n")
    return [clean(line.rstrip("\r").expandtabs(8)) for line in lines]


def clean_log(line: str | bytes) -> str:
    """Return one line of output as a terminal would leave it, tabs expanded.

    The final newline is not part of it. Of text overwritten by carriage returns, as
    progress bars do, the last segment that is not empty counts.
    """
    text = _decoded(line).rstrip("\n")
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    return clean(text.expandtabs(8) if "\t" in text else text)
