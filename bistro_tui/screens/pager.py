"""A log in a person's own pager: its newest lines as safe text in a file."""

import asyncio
import os
import shlex
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from bistro_tui.engine.view import LogLine, LogSearch
from bistro_tui.present.log_lines import whole_text
from bistro_tui.screens.stage import Stage

MOST_LINES = 50_000
MOST_BYTES = 16 * 2**20


Patient: TypeAlias = Callable[[Awaitable[str]], Awaitable[str]]
"""Waits for what takes long, unless a person has enough of it."""


async def show_in_pager(
    stage: Stage,
    question: LogSearch,
    fits: Callable[[LogLine], bool],
    patient: Patient,
) -> None:
    """Open ``$PAGER`` or less on the newest lines that fit; say what goes wrong.

    ``question`` looks backwards from the end; ``patient`` waits for the lines. Raises
    ControlRefused.
    """
    pager = os.environ.get("PAGER", "").strip() or "less"
    try:
        command = shlex.split(pager)
    except ValueError as error:
        stage.say(f"$PAGER {pager!r} is no command: {error}", True)
        return
    text = await patient(_text(stage, question, fits))
    if not text:
        stage.say("there is no line to show")
        return
    path = await asyncio.to_thread(_write, text)
    try:
        # Logs are read from their end.
        at_end = ["+G"] if Path(command[0]).name == "less" else []
        trouble = await stage.lend_terminal([*command, *at_end, str(path)])
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    if trouble:
        hint = "" if "PAGER" in os.environ else "; set $PAGER to yours"
        stage.say(f"no pager: {trouble}{hint}", True)


async def _text(
    stage: Stage, question: LogSearch, fits: Callable[[LogLine], bool]
) -> str:
    newest_first: list[str] = []
    size = 0
    asked: LogSearch | None = question
    while asked is not None:
        page = await stage.view.search_log(asked)
        for line in reversed(page.lines):
            if fits(line):
                name = "" if question.task else f"{line.task}: "
                text = whole_text(f"{name}".encode("utf-8", "replace") + line.line)
                newest_first.append(text)
                size += len(text)
        is_full = len(newest_first) >= MOST_LINES or size >= MOST_BYTES
        if is_full and page.last_id:
            newest_first.append("(older lines are in the store: bistro-tui logs)")
        more = page.last_id if not is_full else 0
        asked = replace(question, line_id=more) if more else None
    return "\n".join([*reversed(newest_first), ""]) if newest_first else ""


def _write(text: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="bistro-tui-log-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)
