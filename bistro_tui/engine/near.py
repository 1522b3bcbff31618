"""The known name nearest to one that is not known: did you mean …? Pure."""

import difflib
from collections.abc import Collection

_MAX_WORD, _MAX_WORDS = 80, 1000
"""Finding a near word among many, or long ones, takes milliseconds."""


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the known name that is most like a word, case aside; None if none is."""
    if len(word) > _MAX_WORD or len(known) > _MAX_WORDS:
        return None
    folded = {each.lower(): each for each in known if len(each) <= _MAX_WORD}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None
