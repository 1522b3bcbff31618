"""Which sets of workers could still agree that they are all there are. Pure.

After a restart a scheduler need not wait for workers that may hold tasks once all that
are connected were told the same set by the scheduler before, and it is just them. For
that to be safe a worker becomes healthy for the first time only when no set without it
can be agreed on any more: each worker has stored a later one, or can only agree with
workers that have.

Versions are kept here as numbers that do not wrap; all that is compared was made by one
scheduler.

Source: Bistro, remote/README.worker_set_consensus and remote/RemoteWorkers. Bistro
remembers the members of past sets by shard; here it is by instance, so that the one who
took a shard over does not speak for the one who had it.
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.identity import (
    NO_SET,
    InstanceId,
    WorkerSetHash,
    WorkerSetId,
)
from bistro_tui.engine.remote.worker_set import signed, with_worker, without_worker

_NOTHING: Mapping[InvocationId, float] = MappingProxyType({})


class Member:
    """One worker while it is in the pool: what it stored, as far as is known."""

    __slots__ = (
        "added_at",
        "echoed",
        "first_echoed",
        "indirect",
        "initial",
        "version",
        "worker",
    )

    def __init__(self, worker: InstanceId, initial: WorkerSetId, added_at: int) -> None:
        self.worker = worker
        self.initial = initial
        """What it had stored when it came."""
        self.added_at = added_at
        self.echoed: WorkerSetId | None = None
        """The newest of this scheduler's that it sent back."""
        self.version: int | None = None
        """The version of that."""
        self.first_echoed: int | None = None
        self.indirect: int | None = None
        """It can take part in agreeing on no version before this one."""


class _Change(NamedTuple):
    version: int
    member: Member
    is_added: bool


class Consensus:
    """Knows the current set of workers, and what each can agree on."""

    def __init__(
        self, scheduler: InstanceId, version: int = 0, *, is_waiting: bool = False
    ) -> None:
        """Begin without workers; ``is_waiting``: until ``wait_is_over``."""
        self._scheduler = scheduler
        self._is_waiting = is_waiting
        self._unstored: dict[InvocationId, float] = {}
        """Lost attempts of which nothing is on disk yet, and until when each may be
        alive."""
        self._version = version
        self._hash = WorkerSetHash()
        self._current = WorkerSetId(scheduler, signed(version), self._hash)
        self._live: dict[Member, None] = {}
        self._initial: Counter[WorkerSetId] = Counter()
        """What live ones came with, but for those that never had a scheduler."""
        self._former = WorkerSetHash()
        """The set of those."""
        self._silent = 0
        """How many live ones have not sent any set back."""
        self._at: dict[int, dict[Member, None]] = {}
        """Live ones by what is indirectly known of them."""
        self._versions: list[int] = []
        """A heap of the keys of ``_at``, and of some that were."""
        self._base_version = version
        self._base: dict[Member, None] = {}
        """The members at that version; the changes are those after it."""
        self._changes: deque[_Change] = deque()
        self._is_settled = True

    @property
    def current(self) -> WorkerSetId:
        """The set of all workers that are not lost."""
        return self._current

    @property
    def has_unstored(self) -> bool:
        """Whether lost attempts may be alive, of which nothing is on disk yet."""
        return bool(self._unstored)

    def add(self, worker: InstanceId, initial: WorkerSetId) -> Member:
        """Return the member for a worker that came and had stored ``initial``."""
        self._hash = with_worker(self._hash, worker)
        self._step()
        member = Member(worker, initial, self._version)
        self._changes.append(_Change(self._version, member, is_added=True))
        self._live[member] = None
        self._silent += 1
        if initial != NO_SET:
            self._initial[initial] += 1
            self._former = with_worker(self._former, worker)
        return member

    def remove(
        self,
        member: Member,
        *,
        is_dead: bool,
        lost: Mapping[InvocationId, float] = _NOTHING,
    ) -> None:
        """Take out a worker that is lost or was replaced; harmless the second time.

        ``is_dead``: it is proven that its process is gone. ``lost``: what it ran, and
        until when that may be alive; as long as some of it may, and is not ``stored``,
        no set that workers are told can be agreed on.
        """
        if member not in self._live:
            return
        self._unstored.update(lost)
        self._hash = without_worker(self._hash, member.worker)
        self._step()
        self._changes.append(_Change(self._version, member, is_added=False))
        del self._live[member]
        if member.initial != NO_SET:
            self._former = without_worker(self._former, member.worker)
            self._initial[member.initial] -= 1
            if not self._initial[member.initial]:
                del self._initial[member.initial]
        if member.version is None:
            self._silent -= 1
        self._take_from_index(member)
        if is_dead:
            # No set with it can be agreed on any more.
            member.indirect = self._version

    def heard(self, member: Member, received: WorkerSetId) -> str:
        """Take note of the set that a heartbeat brought; return what is wrong with it.

        A set that is wrong changes nothing.
        """
        if received == member.initial:
            return ""
        if received.scheduler != self._scheduler:
            return "it has a worker set of another scheduler than the one it came with"
        version = self._unwrapped(received)
        if member.initial.scheduler == self._scheduler and (
            version <= self._unwrapped(member.initial)
        ):
            return "its worker set is older than the one it came with"
        if version > self._version or version < member.added_at:
            return "it has a worker set that it was never told"
        if member.version is not None and version < member.version:
            return "its worker set is older than one that it had before"
        known = self._current if version == self._version else member.echoed
        is_known = version in (self._version, member.version)
        if is_known and received != known:
            return "its worker set is not the one of that version"
        if version != member.version:
            self._echoed(member, received, version)
        return ""

    def permits(self, member: Member) -> bool:
        """Return whether no set without it can be agreed on any more."""
        first = member.first_echoed
        if first is None or member.echoed != self._current or self._silent:
            return False
        return self._least_indirect() >= first

    def has_initial_consensus(self) -> bool:
        """Return whether all that an earlier scheduler had are connected, and agree.

        Never without any. Who never had a scheduler is not asked: nobody gave it tasks,
        for nobody is healthy before it was told a set. In Bistro one that is new puts
        an end to the agreement of all others.
        """
        if len(self._initial) != 1:
            return False
        (initial,) = self._initial
        return initial.hash == self._former

    def wait_is_over(self) -> None:
        """Take note that all workers that may have tasks are known from now on."""
        if self._is_waiting:
            self._is_waiting = False
            self._step()

    def stored(self, invocation: InvocationId) -> None:
        """Take note that what became of an attempt is on disk, or does not count."""
        if self._unstored.pop(invocation, None) is not None:
            self._look_at_unstored()

    def time_passed(self, now: float) -> None:
        """Take note that some lost attempts can be alive no more."""
        over = [one for one, until in self._unstored.items() if until <= now]
        for invocation in over:
            del self._unstored[invocation]
        if over:
            self._look_at_unstored()

    def refresh(self) -> None:
        """Forget versions that nobody has any more, and draw all conclusions."""
        if not self._is_settled:
            self._prune()
            self._propagate()
            self._is_settled = True

    def _look_at_unstored(self) -> None:
        if not self._unstored and not self._is_waiting:
            self._step()

    def _step(self) -> None:
        self._version += 1
        found = self._hash
        if self._is_waiting or self._unstored:
            # A scheduler that still waits does not know whether these are all; and the
            # tasks of one who was taken out may be alive, while nothing on disk has
            # them wait. Were it gone, the next one must not take these for all: one
            # that nobody will ever be is added, in which no workers can agree. Bistro
            # has nothing like it.
            found = with_worker(found, self._scheduler)
        self._current = WorkerSetId(self._scheduler, signed(self._version), found)
        self._is_settled = False

    def _unwrapped(self, found: WorkerSetId) -> int:
        return self._version + signed(found.version - self._version)

    def _echoed(self, member: Member, received: WorkerSetId, version: int) -> None:
        if member.version is None:
            self._silent -= 1
            member.first_echoed = version
        member.echoed = received
        member.version = version
        if member.indirect is None or member.indirect < version:
            self._take_from_index(member)
            member.indirect = version
            self._put_into_index(member, version)
        self._is_settled = False

    def _take_from_index(self, member: Member) -> None:
        if member.indirect is None:
            return
        there = self._at.get(member.indirect, {})
        there.pop(member, None)
        if not there:
            self._at.pop(member.indirect, None)

    def _put_into_index(self, member: Member, version: int) -> None:
        there = self._at.get(version)
        if there is None:
            there = self._at[version] = {}
            heapq.heappush(self._versions, version)
        there[member] = None

    def _least_indirect(self) -> int:
        """Return the smallest of the live ones, each of which has one."""
        versions = self._versions
        while versions[0] not in self._at:
            heapq.heappop(versions)
        return versions[0]

    def _prune(self) -> None:
        if not self._live:
            self._changes.clear()
            self._base.clear()
            self._base_version = self._version
            return
        if self._silent:
            return
        oldest = min(self._at_least(member) for member in self._live)
        while self._changes and self._changes[0].version <= oldest:
            self._apply(self._base, self._changes.popleft())
        self._base_version = oldest

    @staticmethod
    def _at_least(member: Member) -> int:
        return member.added_at if member.version is None else member.version

    @staticmethod
    def _apply(members: dict[Member, None], change: _Change) -> None:
        if change.is_added:
            members[change.member] = None
        else:
            members.pop(change.member, None)

    def _propagate(self) -> None:
        """Walk from the oldest set to the newest, and draw conclusions.

        Who can only agree on a set of which another member can agree on later ones
        only, can itself agree on later ones only. What is known of a lost one is never
        later than its end: it need not be taken out on the way.
        """
        known = [one.indirect for one in self._base if one.indirect is not None]
        highest = max(known, default=self._base_version)
        self._raise(self._base_version, highest)
        for change in self._changes:
            indirect = change.member.indirect
            if indirect is not None:
                highest = max(highest, indirect)
            self._raise(change.version, highest)

    def _raise(self, version: int, highest: int) -> None:
        if highest <= version or version not in self._at:
            return
        for member in tuple(self._at[version]):
            self._take_from_index(member)
            member.indirect = highest
            self._put_into_index(member, highest)
