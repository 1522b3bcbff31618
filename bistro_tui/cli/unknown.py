"""What is said of a job or a node that there is not: the same in every command.

A scheduler has a sentence of its own in nearly every handler, some of them Bistro's.
"""

from typing import TYPE_CHECKING

from bistro_tui.client.errors import Refused
from bistro_tui.engine import sentences
from bistro_tui.engine.ids import JobName, NodeName, TaskId

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking


def meant(asking: "Asking", kind: str, word: str) -> str:
    """Return a question whether one of the ``jobs`` or ``nodes`` was meant.

    Empty where none is near, or the word names one.
    """
    try:
        near = asking.ask("names", kind=kind, near=word)["names"]
    except Refused:
        return ""
    return f"; did you mean {near[0]}?" if near and near[0] != word else ""


def refuse_unknown_job(asking: "Asking", job: str) -> None:
    """Raise Refused, naming the nearest, where the scheduler has no such job."""
    if not asking.ask("jobs", jobs=[job]):
        raise Refused(_no_job(asking, job))


def plainly(asking: "Asking", text: str, job: str, node: str | None = None) -> str:
    """Return why something was refused, in our words if a name was not known.

    Of a task that was to be ended and does not run, why it does not.
    """
    if _is_of_unknown_job(text, job):
        return _no_job(asking, job)
    if node is None:
        return text
    task = TaskId(JobName(job), NodeName(node))
    of_task = f"there is no task {task}: "
    if _is_of_unknown_job(text.removeprefix(of_task), job):
        return _no_job(asking, job)
    if text.startswith("there is no task "):
        return text if "did you mean" in text else text + meant(asking, "nodes", node)
    if text == sentences.unknown_running_task(job, node):
        return _not_running(asking, task)
    return text


def _not_running(asking: "Asking", task: TaskId) -> str:
    try:
        found = asking.ask("why", job=task.job, node=task.node)
    except Refused as error:
        return plainly(asking, str(error), task.job, task.node)
    failed = (one["text"] for one in found["checks"] if not one["ok"])
    more = next((f" ({text})" for text in failed), "")
    return f"{sentences.task_does_not_run(task)}: {found['reason']}{more}"


def _no_job(asking: "Asking", job: str) -> str:
    return f"{sentences.no_job(JobName(job))}{meant(asking, 'jobs', job)}"


def _is_of_unknown_job(text: str, job: str) -> bool:
    return text in (sentences.unknown_job(job), sentences.invalid_job_id(job)) or (
        text.startswith(
            (sentences.no_job(JobName(job)), "the config has no job called")
        )
    )
