"""Attempts and lines that a scheduler elsewhere has, asked for by its URL."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.talk import say
from bistro_tui.client.errors import NoAnswer

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking
    from bistro_tui.engine.history import HistoryQuery
    from bistro_tui.engine.logs.attempts import AttemptRecord
    from bistro_tui.engine.logs.query import LogQuery, QueryPage
    from bistro_tui.engine.logs.rows import StoredLine

_PAGE = 1_000


def is_elsewhere(url: str | None, *near: object) -> bool:
    """Whether ``--url`` counts, beside flags that name something on this host.

    What is on the command line wins over the environment.
    """
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("url") if context is not None else None
    is_typed = source is click.core.ParameterSource.COMMANDLINE
    return bool(url) and (is_typed or not any(near))


def attempts_asked(
    asking: "Asking", query: "HistoryQuery", limit: int | None
) -> "Iterator[list[AttemptRecord]]":
    """Yield attempts, newest first, a page at a time; None: all of them.

    Raises NoAnswer or Refused.
    """
    from bistro_tui.engine.history import attempt_of

    values: dict[str, Any] = {
        "job": query.job,
        "node": query.node if query.job is not None else None,
        "since": query.since,
        "statuses": list(query.results),
    }
    before: str | None = None
    while limit is None or limit > 0:
        size = _PAGE if limit is None else min(limit, _PAGE)
        answer = asking.ask("history", **values, before=before, limit=size)
        try:
            page = [attempt_of(told) for told in answer["attempts"]]
            before = answer["next"]
        except (KeyError, TypeError, ValueError) as error:
            raise _not_understood(asking, error) from None
        if page:
            yield page
        if before is None:
            return
        limit = None if limit is None else limit - len(page)


class AskedLines:
    """The log store of a scheduler, a page of lines a question."""

    def __init__(
        self, asking: "Asking", *, text: str | None, regex: str | None, no_case: bool
    ) -> None:
        """``text`` or ``regex``: what a line has to hold."""
        self._asking = asking
        self._pattern = {"text": text, "regex": regex, "ignore_case": no_case}
        self._said: set[str] = set()

    def page(self, query: "LogQuery") -> "QueryPage":
        """Return the next page of an answer. Raises NoAnswer or Refused."""
        from bistro_tui.engine.logs.query import QueryPage

        answer = self._asking.ask(
            "log_lines",
            **self._pattern,
            streams=[stream.value for stream in query.streams],
            jobs=list(query.jobs),
            nodes=list(query.nodes),
            line_id=_text(query.line_id),
            stop_id=_text(query.stop_id),
            sort="asc" if query.ascending else "desc",
            limit=query.limit,
        )
        try:
            page = QueryPage(
                lines=tuple(map(_line, answer["lines"])),
                next_line_id=int(answer["next_line_id"]),
                last_id=int(answer["last_id"]),
                unasked=tuple(map(str, answer.get("unasked", ()))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _not_understood(self._asking, error) from None
        self._say(page.unasked)
        return page

    def _say(self, unasked: Iterable[str]) -> None:
        for text in unasked:
            if text not in self._said:
                self._said.add(text)
                say(f"bistro-tui: {text}")


def _line(told: list[Any]) -> "StoredLine":
    from bistro_tui.engine.ids import JobName, NodeName, TaskId
    from bistro_tui.engine.logs.rows import StoredLine
    from bistro_tui.engine.logs.sink import Stream

    job, node, _, text, line_id, stream = told
    return StoredLine(
        int(line_id),
        TaskId(JobName(job), NodeName(node)),
        Stream(stream),
        text.encode("utf-8", "surrogateescape"),
    )


def _text(line_id: int | None) -> str | None:
    return None if line_id is None else str(line_id)


def _not_understood(asking: "Asking", error: Exception) -> NoAnswer:
    return NoAnswer(
        f"{asking.address}: what answers there is no scheduler of this version"
        f" ({type(error).__name__})"
    )
