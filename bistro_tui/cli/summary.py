"""The summary at the end of ``--exit-when-done``, for people and as JSON."""

import json

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.scheduling.progress import JobProgress
from bistro_tui.present.clean import clean_name

_WHY = 160
"""So much is said of why tasks of a job are left."""


def summary_json(outcome: Outcome) -> str:
    """Return the one JSON document of the run."""
    return json.dumps(outcome.as_json(), ensure_ascii=True)


def summary_text(outcome: Outcome) -> str:
    """Return some lines: the totals, then a row a job, then what was wrong."""
    started = f"{outcome.started} started in {outcome.seconds:.1f} s"
    if outcome.started == 0:
        started = "0 started"
        if outcome.is_complete:
            started += ": nothing was left to do"
    names = {name: clean_name(name, limit=40) for name in outcome.jobs}
    width = max((len(shown) for shown in names.values()), default=0)
    return "\n".join(
        [
            f"{_counts(outcome)} ({started})",
            *(
                f"  {names[name]:<{width}}  {_counts(job)}{_note(name, outcome)}"
                for name, job in outcome.jobs.items()
            ),
        ]
    )


def _counts(of: Outcome | JobProgress) -> str:
    return f"{of.done} done, {of.failed} failed, {of.blocked} blocked"


def _note(name: JobName, outcome: Outcome) -> str:
    if name in outcome.invalid:
        return "  (has errors, did not run)"
    why = outcome.blockers.get(name)
    return f"  ({clean_name(why, limit=_WHY)})" if why else ""
