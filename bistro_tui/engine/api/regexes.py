"""What lines are searched for, as a subquery names it."""

import asyncio
from collections.abc import Callable

from bistro_tui.engine import sentences
from bistro_tui.engine.api.handler import HandlerError, Query
from bistro_tui.engine.api.inputs import text_or_none
from bistro_tui.engine.logs.patterns import LONGEST_REGEX, Pattern


async def regex_of(
    query: Query, key: str, *, ignore_case: bool = False
) -> Pattern | None:
    """Return a pattern, None where there is none or an empty one. Raises HandlerError.

    Made in a thread: the first one loads the library.
    """
    return await _made(
        query, key, lambda text: Pattern.regex(text, ignore_case=ignore_case)
    )


async def text_of_lines(query: Query, key: str, *, ignore_case: bool) -> Pattern | None:
    """Return the pattern for a text as it is. Raises HandlerError."""
    if not ignore_case:
        return Pattern.text(text_or_none(query, key) or "")
    return await _made(query, key, lambda text: Pattern.text(text, ignore_case=True))


async def _made(
    query: Query, key: str, make: Callable[[str], Pattern | None]
) -> Pattern | None:
    text = text_or_none(query, key)
    if not text:
        return None
    if len(text) > LONGEST_REGEX:
        raise HandlerError(sentences.pattern_too_long(key, LONGEST_REGEX))
    try:
        return await asyncio.to_thread(make, text)
    except ValueError as error:
        raise HandlerError(f"{key} {error}") from None
