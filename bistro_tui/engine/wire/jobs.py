"""What is asked of tasks, jobs and resources as JSON, and back.

Reasons of a grid are one byte each, places in a list of words that goes with them.
"""

import base64
from collections.abc import Sequence

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName
from bistro_tui.engine.inquiries import (
    Claims,
    Holding,
    JobFacts,
    JobGrid,
    TaskPage,
    TaskRow,
    Waiting,
)
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.wire.rows import task_in, task_out
from bistro_tui.engine.wire.values import (
    MALFORMED,
    NOT_OURS,
    NotUnderstood,
    number_or_none,
    number_out,
    text_in,
    whole_in,
)

_REASONS = tuple(Reason)


def decode_task_page(value: Json) -> TaskPage:
    """Return a page of tasks. Raises NotUnderstood."""
    try:
        after = value["next"]
        return TaskPage(
            rows=tuple(map(_row_in, value["tasks"])),
            next=None if after is None else text_in(after),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def _row_in(value: Json) -> TaskRow:
    return TaskRow(
        task_in(value),
        Reason(value["status"]),
        number_or_none(value["since"]),
        whole_in(value["attempts"]),
        number_or_none(value["next_run"]),
        text_in(value["why"]),
    )


def encode_claims(claims: Claims) -> Json:
    """Return who has and who lacks a resource as JSON."""
    return {
        "node": claims.node,
        "resource": claims.resource,
        "used": claims.used,
        "limit": claims.limit,
        "holders": [
            task_out(one.task) | {"amount": one.amount} for one in claims.holders
        ],
        "waiters": [
            {
                "job": one.job,
                "need": one.need,
                "tasks": one.tasks,
                "first": one.first.node,
            }
            for one in claims.waiters
        ],
    }


def decode_claims(value: Json) -> Claims:
    """Return who has and who lacks a resource. Raises NotUnderstood."""
    try:
        return Claims(
            node=NodeName(text_in(value["node"])),
            resource=ResourceName(text_in(value["resource"])),
            used=whole_in(value["used"]),
            limit=whole_in(value["limit"]),
            holders=tuple(
                Holding(task=task_in(one), amount=whole_in(one["amount"]))
                for one in value["holders"]
            ),
            waiters=tuple(map(_waiting_in, value["waiters"])),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def _waiting_in(value: Json) -> Waiting:
    return Waiting(
        job=JobName(text_in(value["job"])),
        need=whole_in(value["need"]),
        tasks=whole_in(value["tasks"]),
        first=task_in({"job": value["job"], "node": value["first"]}),
    )


def encode_job_facts(facts: JobFacts) -> Json:
    """Return what the config says of a job as JSON."""
    return {
        "job": facts.job,
        "facts": [[label, text] for label, text in facts.facts],
        "depends_on": list(facts.depends_on),
        "needed_by": list(facts.needed_by),
        "file": facts.file,
        "line": facts.line,
        "excerpt": list(facts.excerpt),
        "throughput": number_out(facts.throughput),
        "median_seconds": number_out(facts.median_seconds),
    }


def decode_job_facts(value: Json) -> JobFacts:
    """Return what the config says of a job. Raises NotUnderstood."""
    try:
        return JobFacts(
            job=JobName(text_in(value["job"])),
            facts=tuple(
                (text_in(label), text_in(text)) for label, text in value["facts"]
            ),
            depends_on=tuple(JobName(text_in(one)) for one in value["depends_on"]),
            needed_by=tuple(JobName(text_in(one)) for one in value["needed_by"]),
            file=text_in(value["file"]),
            line=whole_in(value["line"]),
            excerpt=tuple(map(text_in, value["excerpt"])),
            throughput=number_or_none(value["throughput"]),
            median_seconds=number_or_none(value["median_seconds"]),
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def reasons_out(reasons: bytes) -> Json:
    """Return the bytes of a grid as JSON."""
    return base64.b64encode(reasons).decode("ascii")


def decode_grid(value: Json, known: Sequence[NodeName]) -> tuple[JobGrid, str]:
    """Return a grid, and the name of its order of nodes. Raises NotUnderstood.

    ``known``: the nodes where the answer leaves them out.
    """
    try:
        nodes = value["nodes"]
        names = known if nodes is None else [NodeName(text_in(one)) for one in nodes]
        words = [_REASONS.index(Reason(word)) for word in value["words"]]
        places = bytes(words).ljust(256, bytes([len(_REASONS) - 1]))
        found = base64.b64decode(text_in(value["reasons"]), validate=True)
        if len(found) != len(names):
            raise ValueError("a grid has as many reasons as nodes")
        grid = JobGrid(
            job=JobName(text_in(value["job"])),
            level=LevelName(text_in(value["level"])),
            nodes=tuple(names),
            reasons=found.translate(places),
        )
        return grid, text_in(value["order"])
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error
