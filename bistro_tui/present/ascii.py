"""What stands for our signs on a terminal that has only ASCII. Pure."""

from collections.abc import Mapping
from typing import Final

GLYPHS: Final[Mapping[str, str]] = {
    # States.
    "●": ">", "◌": ".", "⏸": ":", "↻": "~", "✗": "x", "✓": "#", "⊘": "-", "⚠": "!",
    "⟳": "~", "◆": "*", "◇": "o", "○": "o", "◐": "o", "◑": "o", "◉": "@",
    "‖": "|", "≡": "=", "◂": "<", "␡": "?", "⏵": ">", "⏹": "x",
    # Marks and cursors.
    "■": "*", "□": "o", "▪": "*", "▌": "|", "▍": "|", "▎": "|", "▏": "|", "▐": "|",
    "│": "|", "┃": "|", "▸": "+", "▾": "-", "▹": "+", "▿": "-", "▶": ">", "◀": "<",
    "▲": "^", "▼": "v", "△": "^", "▽": "v", "⋮": ":", "❯": ">", "›": ">", "‹": "<",
    "»": ">", "«": "<",
    # Words and numbers.
    "…": "~", "·": ".", "•": "*", "×": "x", "–": "-", "—": "-", "−": "-", "≈": "~",
    "→": ">", "←": "<", "↑": "^", "↓": "v", "↕": "|", "↔": "-", "↩": "<", "↳": ">",
    "⏎": "<", "µ": "u", "≤": "<", "≥": ">", "≠": "!", "⊂": "<", "±": "+", "∞": "8",
    "°": "o",
    "“": '"', "”": '"', "‘": "'", "’": "'", "σ": "s", "Σ": "S", "∑": "S",
    "½": "2", "²": "2", "✎": "e", "✱": "*", "★": "*", "☆": "o", "⌕": "/", "¶": "P",
    "␀": "0", "␉": "t", "␛": "e", "␤": "n", "\N{REPLACEMENT CHARACTER}": "?",
    "\xa0": " ",
    "━": "=", "═": "=", "╌": ".", "╍": ".", "┄": ".", "┅": ".", "┈": ".", "┉": ".",
    "░": ".", "▒": "+", "▓": "#", "█": "#", "▁": "_", "▔": "-", "▀": "^", "▄": "_",
    " ": " ",
}  # fmt: skip
"""One ASCII character for each sign that we draw and that says something."""

_WIDE_SIGNS: Final[Mapping[int, str]] = {0x1F50E: "/", 0x1F50D: "/"}
"""Of the palette that comes with Textual; two cells each."""

_HORIZONTAL = frozenset("─━┄┅┈┉╌╍═╴╶╸╺╼╾")
_VERTICAL = frozenset("│┃┆┇┊┋╎╏║╵╷╹╻╽╿")


def ascii_sign(char: str) -> str | None:
    """Return what stands for one of our signs; None for one that is foreign.

    Lines, blocks and dots that are drawn by the dozen go by their kind.
    """
    if char.isascii():
        return char
    known = GLYPHS.get(char)
    if known is not None:
        return known
    code = ord(char)
    if code in _WIDE_SIGNS:
        return _WIDE_SIGNS[code]
    if 0x2500 <= code <= 0x257F:
        if char in _HORIZONTAL:
            return "-"
        return "|" if char in _VERTICAL else "+"
    if 0x2580 <= code <= 0x259F:
        return "#"
    if 0x2800 <= code <= 0x28FF:
        dots = (code - 0x2800).bit_count()
        return " .:*#"[min(4, (dots + 1) // 2)]
    return None


def wants_ascii(environ: Mapping[str, str], encoding: str) -> bool:
    """Return whether a terminal cannot be trusted with more than ASCII.

    ``encoding``: what Python writes to it in. Where the locale is not set at all, as in
    many containers, Python's choice of UTF-8 stands; so it does not where a person
    set C or another character set. The Linux console has UTF-8, but not our signs.
    """
    if environ.get("TERM") == "linux":
        return True
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG", "")
    if locale == "C.UTF-8" and environ.get("LANG") in ("C", "POSIX"):
        # Python sets LC_CTYPE to this at its start when the locale is C.
        locale = environ["LANG"]
    if locale in ("C", "POSIX"):
        return True
    _, dot, charset = locale.partition(".")
    if dot and not _is_utf(charset.partition("@")[0]):
        return True
    return not _is_utf(encoding)


def _is_utf(charset: str) -> bool:
    return charset.casefold().replace("-", "").replace("_", "").startswith("utf")
