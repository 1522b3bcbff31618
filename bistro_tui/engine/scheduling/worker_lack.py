"""Why no worker takes a task, and who holds what it waits for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bistro_tui.engine.ids import NodeName, ResourceName, TaskId
from bistro_tui.engine.scheduling.contention import Holdings
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.worker import Worker
from bistro_tui.engine.scheduling.worker_rooms import WorkerRoom
from bistro_tui.engine.scheduling.workers import Workers

_SHOWN = 3
"""More workers than this in one sentence are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLack:
    """What keeps every worker from taking a task."""

    name: str
    """In a few words, ``ram on workers w1, w2``."""
    text: str
    """One sentence for a person."""
    until: str
    """What has to become true, as the end of a sentence."""
    holders: tuple[TaskId, ...] = ()
    """Tasks that hold what is lacking on the workers that are named, oldest first."""


def find_lack(
    state: State, tasks: JobTasks, node: int, holdings: Holdings | None = None
) -> WorkerLack | None:
    """Return why no worker takes a task of the job below ``node``; None if one does.

    ``node`` is the one whose name is the host that it needs, or else TOP. Holders are
    looked for only with ``holdings``. Before any worker was reported it is None.
    """
    room, workers = tasks.demand.pooled, state.workers
    if room is None or room.mask(node):
        return None
    host = room.host_at(node)
    if not workers.all:
        return WorkerLack(
            name="a worker",
            text="no worker is connected",
            until=_one_connects(host),
        )
    if host and host not in workers.hosts:
        return WorkerLack(
            name=f"a worker on {host}",
            text=f"must run on {host}, where no worker is connected",
            until=_one_connects(host),
        )
    there = list(workers.of(room.among(node)))
    if not there:
        return _all_filtered(workers, room, host)
    healthy = [worker for worker in there if worker.facts.is_healthy]
    if not healthy:
        return _none_healthy(there, host, is_all=len(there) == len(workers.all))
    away = [worker for worker in there if not worker.facts.is_healthy]
    lack = _all_full(state, room, healthy, holdings)
    if not any(worker.fits_alone(room.needs) for worker in healthy):
        lack = replace(lack, until=_somebody_larger(workers, room, node, away))
    if not away:
        return lack
    take = "takes" if len(away) == 1 else "take"
    who = "worker" if len(away) == 1 else "workers"
    names = _some([_with_reason(worker) for worker in away])
    return replace(lack, text=f"{lack.text}; {who} {names} {take} no tasks now")


def _somebody_larger(
    workers: Workers, room: WorkerRoom, node: int, away: Sequence[Worker]
) -> str:
    """Return what has to become true where nobody who is there has enough at all."""
    found = []
    coming = [worker for worker in away if workers.may_come_back(room, worker)]
    if coming:
        found.append(_one_takes_tasks(coming))
    names = workers.missing(room, node)
    if names:
        who = "a worker that worker_resources_override names connects"
        found.append(f"{who}: {_some(names)}")
    if found:
        return ", or ".join(found)
    return "a limit of one of these workers grows, or a larger worker connects"


def _one_takes_tasks(away: Sequence[Worker]) -> str:
    if len(away) == 1:
        return f"{_workers(away)} takes tasks"
    names = _some([worker.shard for worker in away])
    return f"one of {len(away)} workers takes tasks: {names}"


def _one_connects(host: str) -> str:
    return f"a worker on {host} connects" if host else "a worker connects"


def _all_filtered(workers: Workers, room: WorkerRoom, host: str) -> WorkerLack:
    hosts = [host] if host else sorted(workers.hosts)
    of_all = "the only host" if len(hosts) == 1 else f"any of the {len(hosts)} hosts"
    return WorkerLack(
        name="a worker that the filter accepts",
        text=f'must run on {host}, which the job\'s filter for "worker" refuses'
        if host
        else f'the job\'s filter for "worker" does not accept {of_all}: {_some(hosts)}',
        until=f'the job\'s filter for "worker" accepts {host}'
        if host
        else 'a worker connects whose host the job\'s filter for "worker" accepts',
    )


def _none_healthy(there: list[Worker], host: str, *, is_all: bool) -> WorkerLack:
    names = _some([_with_reason(worker) for worker in there])
    coming = [worker for worker in there if not worker.facts.is_leaving]
    if host:
        take = "takes" if len(there) == 1 else "take"
        whose = "worker" if len(there) == 1 else "workers"
        text = f"must run on {host}, whose {whose} {names} {take} no tasks now"
    elif is_all:
        text = f"no worker takes tasks now: {names}"
    else:
        text = f"no worker that the job may use takes tasks now: {names}"
    return WorkerLack(
        name=f"a worker on {host} that takes tasks"
        if host
        else "a worker that takes tasks",
        text=text,
        until=_one_takes_tasks(coming) if coming else _one_connects(host),
    )


def _all_full(
    state: State, room: WorkerRoom, healthy: list[Worker], holdings: Holdings | None
) -> WorkerLack:
    shown = healthy[:_SHOWN]
    lacks = [_first_lack(state.workers, room, worker) for worker in shown]
    text = "; ".join(lack.text for lack in lacks)
    more = len(healthy) - len(shown)
    if more:
        text += f"; and {more} more workers lack something, too"
    holders: dict[TaskId, None] = {}
    if holdings is not None:
        for worker, lack in zip(shown, lacks, strict=True):
            holders.update(dict.fromkeys(_holders(state, worker, lack, holdings)))
    fitting = [worker for worker in healthy if worker.fits_alone(room.needs)]
    if len(fitting) == 1:
        until = f"enough of what runs on worker {fitting[0].shard} ends"
    else:
        until = f"enough of what runs on one of {len(fitting)} workers ends"
    what = dict.fromkeys(lack.what for lack in lacks)
    named = _some([f"worker {worker.shard}" for worker in healthy])
    return WorkerLack(
        name=f"{_some(list(what))} on {named}",
        text=text,
        until=until,
        holders=tuple(holders),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    what: str
    text: str
    resource: ResourceName | None
    is_too_small: bool


def _first_lack(workers: Workers, room: WorkerRoom, worker: Worker) -> _Lack:
    """Return what one worker has too little of."""
    for need, (resource, used, limit) in zip(
        room.needs, workers.usage(worker), strict=True
    ):
        if need > limit:
            return _Lack(
                what=resource,
                text=f"needs {need} {resource}, worker {worker.shard} has {limit}",
                # Whoever holds some of it would give back too little.
                resource=None,
                is_too_small=True,
            )
        if need > limit - used:
            return _Lack(
                what=resource,
                text=f"needs {need} {resource}, {used}/{limit} used on worker"
                f" {worker.shard}",
                resource=resource,
                is_too_small=False,
            )
    running = workers.running(worker.shard)
    return _Lack(
        what="slots",
        text=f"worker {worker.shard} runs {running} tasks, and takes {worker.slots} at"
        " once",
        resource=None,
        is_too_small=worker.slots == 0,
    )


def _holders(
    state: State, worker: Worker, lack: _Lack, holdings: Holdings
) -> Sequence[TaskId]:
    if lack.is_too_small:
        return []
    if lack.resource is not None:
        book = state.accounts.book(lack.resource)
        return [task for task, _ in holdings.of(book, worker.account)]
    return [
        attempt.task
        for attempt in state.attempts
        if attempt.worker == worker.shard and not attempt.ended
    ]


def why_no_tasks(state: State, shard: NodeName) -> str:
    """Return why that worker is given no task at all; empty if it is given some."""
    workers = state.workers
    if not workers.is_reported:
        return ""
    worker = workers.by_shard.get(shard)
    if worker is None:
        return "it is not connected"
    if not worker.facts.is_healthy:
        return "it takes no tasks now"
    running = workers.running(shard)
    if worker.slots == 0:
        return "it takes no tasks for now: it has no slots"
    if worker.slots is not None and running >= worker.slots:
        return f"it runs {running} tasks, and takes {worker.slots} at once"
    return ""


def _workers(workers: Sequence[Worker]) -> str:
    names = _some([worker.shard for worker in workers])
    return f"worker {names}" if len(workers) == 1 else f"workers {names}"


def _with_reason(worker: Worker) -> str:
    held = worker.facts.held
    return f"{worker.shard} ({held})" if held else worker.shard


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
