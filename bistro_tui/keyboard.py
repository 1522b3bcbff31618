"""What a terminal sends, told apart into keys.

Textual's parser takes Escape and the key right behind it for one key with alt, or loses
one of the two; over a slow line, where keys come in one piece, that is how Escape and
the next key arrive. And it ends the UI at a byte that is not UTF-8.
"""

import codecs
import re
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.message import Message

_ESCAPE = "\x1b"
_ESCAPE_KEY = "\x1b[27u"
"""The Escape key alone, in the one notation that nothing behind it can change."""
_ALONE = re.compile(r"\x1b(?=[^\[O\x7fbf\t])")
"""An Escape that begins nothing longer: no cursor key, no word-wise editing."""


class Keyboard:
    """Makes events of bytes; ``debug`` is Textual's."""

    def __init__(self, *, debug: bool) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(debug)
        self._held = ""

    def take(self, data: bytes, *, has_alt: bool = False) -> Iterable[Message]:
        """Yield what these bytes mean; with ``has_alt`` there are keys with alt."""
        text = self._held + self._decode(data)
        self._held = ""
        if not has_alt:
            text = _ALONE.sub(_ESCAPE_KEY, text)
            if text.endswith(_ESCAPE):
                text, self._held = text[:-1], _ESCAPE
        # Nothing at all would be the end for the parser.
        return self._parser.feed(text) if text else ()

    def idle(self) -> Iterable[Message]:
        """Yield what was meant, now that nothing came for a while."""
        if self._held:
            self._held = ""
            yield from self._parser.feed(_ESCAPE_KEY)
        yield from self._parser.tick()
