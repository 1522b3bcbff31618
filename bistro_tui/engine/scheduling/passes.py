"""One scheduling pass: start whatever may start, in the policy's order.

Source: Bistro, scheduler/Scheduler and scheduler/SchedulerPolicy.
"""

from collections.abc import Mapping

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, ResourceName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.accounts import Charges
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.policies.policy import Contender, Policy
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.status import next_backoff


class Pass:
    """Starts tasks until every candidate left lacks a resource or the worker."""

    def __init__(self, state: State, now: Now) -> None:
        self._state = state
        self._now = now
        self._starts: list[StartTask] = []

    def run(self, policy: Policy) -> list[StartTask]:
        """Return the starts in order; all of them are recorded in the state."""
        # More than one round only where a start made room: a need may be negative.
        while contenders := self._contenders():
            policy.run_pass(contenders, self._start_one, self._state.rng)
        return self._starts

    def _contenders(self) -> list[Contender]:
        contenders = []
        for name in tuple(self._state.open):
            tasks = self._state.jobs[name]
            if tasks.candidates.best() is None:
                del self._state.open[name]
                continue
            contenders.append(
                Contender(
                    job=name,
                    priority=tasks.job.priority,
                    candidates=len(tasks.candidates),
                    last_start=tasks.last_start,
                )
            )
        return contenders

    def _start_one(self, job: JobName) -> bool:
        tasks = self._state.jobs[job]
        while (leaf := tasks.candidates.best()) is not None:
            full = self._state.shortage_on_path(tasks, leaf)
            if full is None:
                self._start(tasks, leaf)
                return True
            self._state.park(tasks, full)
        return False

    def _start(self, tasks: JobTasks, leaf: int) -> None:
        state, job = self._state, tasks.job
        nodes = state.places.tree.nodes
        path = state.places.tree.path(leaf)
        task = TaskId(job.name, nodes[leaf].name)
        previous = state.book.get(task)
        attempt = Attempt(
            task=task,
            invocation=InvocationId(int(self._now.wall), state.rng.getrandbits(63)),
            number=state.attempts.count_start(task),
            since=self._now.wall,
            place=state.places.at[leaf],
            path=path,
            charges=state.accounts.charges(state.path_places(leaf), job.resources),
            next_backoff=next_backoff(previous, job.backoff),
        )
        state.attempts.add(attempt)
        state.rejudge(task)
        state.unpark(state.accounts.take(attempt.charges))
        tasks.last_start = state.attempts.starts
        self._starts.append(
            StartTask(
                task=task,
                invocation=attempt.invocation,
                job=job,
                path_to_node=tuple(nodes[index].name for index in path),
                resources_by_node=_by_node(attempt.charges),
                prev_status=previous,
                next_backoff=attempt.next_backoff,
            )
        )


def _by_node(charges: Charges) -> dict[NodeName, Mapping[ResourceName, int]]:
    by_node: dict[NodeName, Mapping[ResourceName, int]] = {}
    for place, amounts in charges.items():
        # A node may be called like the worker; their resources differ in any case.
        by_node[place.node] = {**by_node.get(place.node, {}), **amounts}
    return by_node
