"""The nodes of each level by the status bits of a job's tasks at and below them.

Filled when somebody first asks for a job, a little at a time; from then on an answer
costs what changed since the last one. Some minutes after the last question it is
forgotten.

Source: Bistro, monitor/Monitor (histograms).
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping

from bistro_tui.engine.ids import JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.scheduling.eligibility import node_passes
from bistro_tui.engine.scheduling.job_tasks import CODE, JobTasks
from bistro_tui.engine.scheduling.places import Slots
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus

_UNSTARTED = Bits.UNSTARTED.value
_RUNNING = Bits.RUNNING.value
_USES_BACKOFF = Bits.USES_BACKOFF.value
_AVOIDED = Bits.AVOIDED.value
_DISABLED = Bits.DISABLED.value
_WIDTH = len(Bits)
_OF_STATUS = ~(_AVOIDED | _DISABLED | _UNSTARTED)
_RUNS = CODE[Reason.RUNNING]

KEPT_SEC = 300.0
"""For so long after a question what changes is taken note of."""

_LOOK_SEC = 60.0
"""Between two looks at what nobody asks for any more."""

_SHARE = 4
"""More than one of so many tasks that changed may as well be counted anew."""

_MARK = 0x80
"""On the first byte of each cell, so that a search finds whole cells only."""


class BitCounts:
    """All jobs that somebody asked for; others cost nothing."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._jobs: dict[JobName, JobBits] = {}
        self._next_look = -math.inf

    def of(self, job: JobName, mono: float) -> "JobBits | None":
        """Return the counts of ``job``; None if it is unknown or invalid.

        They are those of now once ``catch_up`` of them has returned True. ``mono``: the
        monotonic second of now.
        """
        tasks = self._state.jobs.get(job)
        if tasks is None or not tasks.job.is_valid:
            self._jobs.pop(job, None)
            return None
        known = self._jobs.get(job)
        if known is None or known.tasks is not tasks:
            known = self._jobs[job] = JobBits(self._state, tasks)
        known.asked = mono
        return known

    def forget_unasked(self, mono: float) -> None:
        """Forget what nobody asked for lately, and what is not of the present jobs.

        To be called with everything that happens: without that nothing grows.
        """
        if not self._jobs or mono < self._next_look:
            return
        self._next_look = mono + _LOOK_SEC
        for name, known in tuple(self._jobs.items()):
            if known.tasks is not self._state.jobs.get(name):
                del self._jobs[name]
            elif known.is_stale(mono):
                known.close()
                del self._jobs[name]


class JobBits:
    """One job: each task's bits, and all of those below each node above them."""

    def __init__(self, state: State, tasks: JobTasks) -> None:
        level = tasks.job.level_for_tasks
        self.tasks = tasks
        self._state = state
        self._places = places = state.places
        self._next = 0
        """The slots below are filled."""
        self._bits = array("H", bytes(2 * len(places.tree.at_level(level))))
        """By the position of each node on the job's level."""
        self._own = Cells(tasks.slots)
        self._above: dict[int, BitsBelow] = {}
        """By the number of the level."""
        self._touched: set[int] = set()
        tasks.touched = self._touched
        self.asked = 0.0
        """Monotonic second of the last question."""

    def catch_up(self, steps: int) -> bool:
        """Take in what changed, looking at up to so many tasks; True if that is all."""
        number, touched = len(self.tasks.slots), self._touched
        end = min(self._next + steps, number)
        if self._next < end:
            self._take_in(range(self._next, end))
            self._next = end
        elif touched:
            # What is not filled yet is looked at then.
            self._take_in([touched.pop() for _ in range(min(steps, len(touched)))])
        return end == number and not touched

    def is_stale(self, mono: float) -> bool:
        """Return whether to go on is not worth while at that monotonic second."""
        unasked = mono - self.asked
        is_much = len(self._touched) * _SHARE > len(self.tasks.slots)
        return unasked >= KEPT_SEC or (is_much and unasked >= _LOOK_SEC)

    def close(self) -> None:
        """Have no more noted of what changes."""
        self.tasks.touched = None

    def levels(self) -> "Iterator[tuple[LevelName, Cells]]":
        """Return what is counted on each level, the tasks' own last."""
        names = self._places.tree.level_names
        for number in sorted(self._above):
            yield names[number], self._above[number].cells
        yield self.tasks.job.level_for_tasks, self._own

    def _take_in(self, some: Iterable[int]) -> None:
        """Look at the tasks of some slots."""
        slots, places, bits = self.tasks.slots, self._places, self._bits
        names, leaves, replicas = slots.names, slots.leaves, slots.replicas
        standing = self.tasks.standing
        statuses = self._state.book.of_job(self.tasks.name)
        eligible = self.tasks.eligible
        is_barred = bool(eligible.barred or eligible.unusable)
        changes: dict[tuple[int, int, int], int] = {}
        for slot in some:
            if standing[slot] == _RUNS:
                status = _RUNNING
            else:
                known_status = statuses.get(names[slot])
                status = 0 if known_status is None else self._shown(slot, known_status)
            together = 0
            for node in replicas.get(slot) or (leaves[slot],):
                found = status or _UNSTARTED
                if is_barred:
                    found = self._base(node, slot)
                    if status:
                        found = found & ~_UNSTARTED | status
                together |= found
                position = places.local[node]
                known = bits[position]
                if known != found:
                    bits[position] = found
                    change = places.parents[node], known, found
                    changes[change] = changes.get(change, 0) + 1
            self._own.set(slot, together)
        for (parent, known, found), number in changes.items():
            self._tell_above(parent, known, found, number)

    def _tell_above(self, node: int, known: int, found: int, number: int) -> None:
        places, above = self._places, self._above
        while node >= 0:
            level = places.tree.levels_of[node]
            tallies = above.get(level)
            if tallies is None:
                slots = places.slots(places.level(node))
                tallies = above[level] = BitsBelow(slots)
            tallies.change(places.slot_at[node], known, found, number)
            node = places.parents[node]

    def _shown(self, slot: int, status: TaskStatus) -> int:
        """Return the bits of a status that hold now."""
        bits: int = status.bits._value_ & _OF_STATUS
        if bits & _USES_BACKOFF:
            task = TaskId(self.tasks.name, self.tasks.slots.names[slot])
            if task not in self._state.book.backoffs:
                bits ^= _USES_BACKOFF
        return bits

    def _base(self, node: int, slot: int) -> int:
        """Return what is true of a task on ``node`` without a status."""
        eligible, places = self.tasks.eligible, self._places
        if slot in eligible.barred or node in eligible.unusable:
            return _AVOIDED if places.enabled[node] else self._first_bar(node)
        return _UNSTARTED

    def _first_bar(self, node: int) -> int:
        """Return whether a filter or a disabled node comes first, from there upwards.

        Source: Bistro, config/Job (canRunOnNode).
        """
        places, job = self._places, self.tasks.job
        while node >= 0:
            if not places.tree.enabled[node]:
                return _DISABLED
            if job.filters and not node_passes(job, places, node):
                return _AVOIDED
            node = places.parents[node]
        return _UNSTARTED


class Cells:
    """The bits of each node of a level, in two bytes, and how many nodes have which.

    No bits at all: nothing of the job is there.
    """

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._cells = bytearray((_MARK, 0)) * len(slots)
        self._counts: dict[int, int] = {}

    def set(self, slot: int, bits: int) -> None:
        """Take note that a node has these bits now."""
        cells, counts, at = self._cells, self._counts, 2 * slot
        known = cells[at] & 63 | cells[at + 1] << 6
        if known == bits:
            return
        cells[at], cells[at + 1] = bits & 63 | _MARK, bits >> 6
        counts[bits] = counts.get(bits, 0) + 1
        if known:
            counts[known] -= 1
            if not counts[known]:
                del counts[known]

    def counts(self) -> Mapping[int, int]:
        """Return the number of nodes by their bits."""
        return self._counts

    def names(self, bits: int, most: int) -> list[NodeName]:
        """Return the first nodes with exactly these bits, in fetch order."""
        found: list[NodeName] = []
        cell = bytes((bits & 63 | _MARK, bits >> 6))
        most = min(most, self._counts.get(bits, 0))
        at = self._cells.find(cell) if most else -1
        while at >= 0:
            found.append(self.slots.names[at // 2])
            at = self._cells.find(cell, at + 2) if len(found) < most else -1
        return found


class BitsBelow:
    """For each node of a level: how many tasks below it have each bit."""

    def __init__(self, slots: Slots) -> None:
        self.cells = Cells(slots)
        self._tallies = array("i", bytes(4 * _WIDTH * len(slots)))
        self._bits = array("H", bytes(2 * len(slots)))

    def change(self, slot: int, known: int, found: int, number: int) -> None:
        """Take note that so many tasks below have other bits now."""
        tallies, first = self._tallies, slot * _WIDTH
        bits = self._bits[slot]
        different = known ^ found
        while different:
            bit = different & -different
            different ^= bit
            at = first + bit.bit_length() - 1
            if found & bit:
                tallies[at] += number
                bits |= bit
            else:
                tallies[at] -= number
                if not tallies[at]:
                    bits ^= bit
        if bits != self._bits[slot]:
            self._bits[slot] = bits
            self.cells.set(slot, bits)
