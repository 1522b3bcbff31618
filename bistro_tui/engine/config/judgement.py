"""What is to be said of the newest text of a config, as data."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.config.commands import missing_commands
from bistro_tui.engine.config.load import LoadedConfig, locate_problems
from bistro_tui.engine.config.problems import LocatedProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Its errors and warnings, in file order."""

    errors: tuple[LocatedProblem, ...] = ()
    warnings: tuple[LocatedProblem, ...] = ()


async def judge(loaded: LoadedConfig, *, needs_commands: bool) -> Judgement:
    """Return what is wrong and what is odd in what was loaded.

    With ``needs_commands``, it is wrong for a job to have none.
    """
    errors = loaded.problems
    if needs_commands and loaded.config is not None:
        missing = list(missing_commands(loaded.config))
        if missing:
            # The whole text is read again, and it may be large.
            located = await asyncio.to_thread(locate_problems, loaded, missing)
            both = (*errors, *located)
            errors = tuple(sorted(both, key=lambda each: (each.line, each.column)))
    return Judgement(errors=errors, warnings=loaded.warnings)


def refusal(path: Path, message: str) -> Judgement:
    """Return that the file as a whole cannot be used."""
    text = message.removeprefix(f"{path}: ")
    problem = LocatedProblem(
        file=str(path), line=1, column=1, path="", message=text, job=None
    )
    return Judgement(errors=(problem,))
