from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.consensus import Consensus, Member
from bistro_tui.engine.remote.identity import (
    NO_SET,
    InstanceId,
    SetHash,
    WorkerSetHash,
    WorkerSetId,
)
from bistro_tui.engine.remote.worker_set import signed, with_worker

ME = InstanceId(100, 1)
OTHER = InstanceId(50, 2)
WRAP = 2**63 - 2
"""Two steps before versions become negative."""
VERSIONS = pytest.mark.parametrize("first", [0, WRAP, WRAP - 1, -3])


def someone(number: int) -> InstanceId:
    return InstanceId(number, 1_000 + number)


def echo(consensus: Consensus, *members: Member) -> None:
    """Let these store what is current, and send it back."""
    for member in members:
        assert consensus.heard(member, consensus.current) == ""


def remembered(consensus: Consensus) -> int:
    """Return how many changes it keeps for those that lag behind."""
    return len(consensus._changes)


def hash_of(*workers: InstanceId) -> WorkerSetHash:
    found = WorkerSetHash()
    for one in workers:
        found = with_worker(found, one)
    return found


@VERSIONS
def test_each_one_who_comes_or_goes_makes_a_version(first: int) -> None:
    consensus = Consensus(ME, first)
    assert consensus.current == WorkerSetId(ME, first, WorkerSetHash())
    one = consensus.add(someone(1), NO_SET)
    consensus.add(someone(2), NO_SET)
    expected = hash_of(someone(1), someone(2))
    assert consensus.current == WorkerSetId(ME, signed(first + 2), expected)
    consensus.remove(one, is_dead=False)
    assert consensus.current == WorkerSetId(ME, signed(first + 3), hash_of(someone(2)))


def test_who_is_taken_out_twice_is_taken_out_once() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    consensus.remove(one, is_dead=False)
    consensus.remove(one, is_dead=True)
    assert consensus.current.version == 2


# What a heartbeat brings.


@VERSIONS
def test_the_set_it_came_with_is_nothing_new(first: int) -> None:
    consensus = Consensus(ME, first)
    initial = WorkerSetId(OTHER, 9, WorkerSetHash())
    one = consensus.add(someone(1), initial)
    assert consensus.heard(one, initial) == ""
    assert one.echoed is None


def test_a_set_of_another_scheduler_than_at_first_is_ignored_with_a_warning() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    assert "another scheduler" in consensus.heard(
        one, WorkerSetId(OTHER, 9, WorkerSetHash())
    )
    assert one.echoed is None


@VERSIONS
def test_a_set_that_is_older_than_the_own_one_it_came_with_is_ignored(
    first: int,
) -> None:
    consensus = Consensus(ME, first)
    old = consensus.current
    consensus.add(someone(2), NO_SET)
    one = consensus.add(someone(1), consensus.current)
    assert "came with" in consensus.heard(one, old)
    assert one.echoed is None
    echo(consensus, one)
    assert one.echoed == consensus.current


@VERSIONS
def test_a_later_set_counts_and_an_older_one_does_not(first: int) -> None:
    consensus = Consensus(ME, first)
    one = consensus.add(someone(1), NO_SET)
    older = consensus.current
    consensus.add(someone(2), NO_SET)
    echo(consensus, one)
    assert one.first_echoed == one.indirect == one.version == first + 2
    assert "older" in consensus.heard(one, older)
    assert one.echoed == consensus.current


def test_the_first_one_it_sent_back_stays_the_first() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    echo(consensus, one)
    consensus.add(someone(2), NO_SET)
    echo(consensus, one)
    assert (one.first_echoed, one.version) == (1, 2)


@VERSIONS
@pytest.mark.parametrize("steps", [1, 2**62, 2**63, -5])
def test_a_version_that_it_cannot_have_been_told_is_ignored(
    first: int, steps: int
) -> None:
    consensus = Consensus(ME, first)
    one = consensus.add(someone(1), NO_SET)
    current = consensus.current
    wrong = current._replace(version=signed(current.version + steps))
    assert "never told" in consensus.heard(one, wrong)
    assert one.echoed is None


def test_a_known_version_with_other_contents_is_ignored() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    right = consensus.current
    wrong = right._replace(hash=WorkerSetHash(SetHash(), SetHash(), 1))
    assert "not the one" in consensus.heard(one, wrong)
    echo(consensus, one)
    consensus.add(someone(2), NO_SET)
    assert "not the one" in consensus.heard(one, wrong)
    assert one.echoed == right


# Who may become healthy.


@VERSIONS
def test_alone_it_may_once_it_sent_the_set_back(first: int) -> None:
    consensus = Consensus(ME, first)
    one = consensus.add(someone(1), NO_SET)
    assert not consensus.permits(one)
    echo(consensus, one)
    assert consensus.permits(one)


def test_not_with_a_set_that_is_not_current() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    echo(consensus, one)
    two = consensus.add(someone(2), NO_SET)
    echo(consensus, two)
    assert consensus.permits(two) is False
    assert consensus.permits(one) is False


def test_not_while_anybody_has_not_sent_any_set_back() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    two = consensus.add(someone(2), NO_SET)
    echo(consensus, two)
    assert not consensus.permits(two)
    echo(consensus, one)
    assert consensus.permits(two)


@VERSIONS
def test_not_while_anybody_could_agree_on_a_set_without_it(first: int) -> None:
    consensus = Consensus(ME, first)
    one = consensus.add(someone(1), NO_SET)
    echo(consensus, one)
    two = consensus.add(someone(2), NO_SET)
    echo(consensus, two)
    consensus.refresh()
    assert not consensus.permits(two)
    echo(consensus, one)
    assert consensus.permits(two)


def test_who_can_only_agree_with_someone_who_is_further_is_further_too() -> None:
    consensus = Consensus(ME)
    slow = consensus.add(someone(1), NO_SET)
    quick = consensus.add(someone(2), NO_SET)
    echo(consensus, slow, quick)
    three = consensus.add(someone(3), NO_SET)
    echo(consensus, quick, three)
    assert not consensus.permits(three)
    consensus.refresh()
    assert slow.indirect == 3
    assert consensus.permits(three)


def test_that_is_also_so_through_one_who_is_lost() -> None:
    consensus = Consensus(ME)
    slow = consensus.add(someone(1), NO_SET)
    lost = consensus.add(someone(2), NO_SET)
    echo(consensus, slow, lost)
    three = consensus.add(someone(3), NO_SET)
    echo(consensus, lost, three)
    consensus.remove(lost, is_dead=False)
    echo(consensus, three)
    consensus.refresh()
    assert slow.indirect == 4
    assert lost.indirect == 3
    assert consensus.permits(three)


def test_who_took_a_shard_over_does_not_speak_for_a_lost_one_that_may_live() -> None:
    consensus = Consensus(ME)
    slow = consensus.add(someone(1), NO_SET)
    bumped = consensus.add(someone(2), NO_SET)
    echo(consensus, slow, bumped)
    consensus.remove(bumped, is_dead=False)
    after = consensus.add(someone(3), NO_SET)
    echo(consensus, after)
    consensus.refresh()
    assert slow.indirect == 2
    assert not consensus.permits(after)


def test_nobody_can_agree_with_one_that_is_proven_dead() -> None:
    consensus = Consensus(ME)
    slow = consensus.add(someone(1), NO_SET)
    dead = consensus.add(someone(2), NO_SET)
    echo(consensus, slow, dead)
    consensus.remove(dead, is_dead=True)
    consensus.refresh()
    assert slow.indirect == 3


def test_one_that_is_lost_may_never_become_healthy() -> None:
    consensus = Consensus(ME)
    one = consensus.add(someone(1), NO_SET)
    echo(consensus, one)
    consensus.remove(one, is_dead=False)
    assert not consensus.permits(one)


# What is forgotten.


def test_nothing_is_forgotten_while_anybody_is_silent() -> None:
    consensus = Consensus(ME)
    consensus.add(someone(1), NO_SET)
    for number in range(2, 6):
        gone = consensus.add(someone(number), NO_SET)
        consensus.remove(gone, is_dead=False)
    consensus.refresh()
    assert remembered(consensus) == 9


@VERSIONS
def test_what_is_older_than_what_all_have_is_forgotten(first: int) -> None:
    consensus = Consensus(ME, first)
    one = consensus.add(someone(1), NO_SET)
    for number in range(2, 6):
        gone = consensus.add(someone(number), NO_SET)
        consensus.remove(gone, is_dead=False)
    echo(consensus, one)
    consensus.add(someone(9), NO_SET)
    consensus.refresh()
    assert remembered(consensus) == 10
    consensus.remove(consensus.add(someone(10), NO_SET), is_dead=False)
    for member in (one,):
        echo(consensus, member)
    consensus.refresh()
    assert remembered(consensus) == 12


def test_without_workers_all_is_forgotten() -> None:
    consensus = Consensus(ME)
    consensus.remove(consensus.add(someone(1), NO_SET), is_dead=False)
    consensus.refresh()
    assert remembered(consensus) == 0


def test_a_pool_that_is_at_rest_remembers_no_changes() -> None:
    consensus = Consensus(ME)
    members = [consensus.add(someone(number), NO_SET) for number in range(20)]
    echo(consensus, *members)
    consensus.refresh()
    assert remembered(consensus) == 0
    assert all(consensus.permits(member) for member in members)


# Initial consensus.


def test_without_workers_there_is_no_initial_consensus() -> None:
    assert not Consensus(ME).has_initial_consensus()


def test_it_is_there_when_all_came_with_the_set_of_just_those_who_came() -> None:
    told = WorkerSetId(OTHER, 7, hash_of(someone(1), someone(2)))
    consensus = Consensus(ME)
    consensus.add(someone(1), told)
    assert not consensus.has_initial_consensus()
    two = consensus.add(someone(2), told)
    assert consensus.has_initial_consensus()
    consensus.remove(two, is_dead=False)
    assert not consensus.has_initial_consensus()


@pytest.mark.parametrize(
    "other",
    [
        WorkerSetId(InstanceId(1, 1), 7, hash_of(someone(1), someone(2))),
        WorkerSetId(OTHER, 8, hash_of(someone(1), someone(2))),
        WorkerSetId(OTHER, 7, hash_of(someone(1))),
    ],
)
def test_it_is_not_there_when_the_sets_differ_in_anything(other: WorkerSetId) -> None:
    consensus = Consensus(ME)
    consensus.add(someone(1), WorkerSetId(OTHER, 7, hash_of(someone(1), someone(2))))
    consensus.add(someone(2), other)
    assert not consensus.has_initial_consensus()


def test_workers_that_never_had_a_scheduler_do_not_agree() -> None:
    consensus = Consensus(ME)
    consensus.add(someone(1), NO_SET)
    assert not consensus.has_initial_consensus()


def test_a_worker_that_never_had_a_scheduler_does_not_hold_up_those_that_had() -> None:
    told = WorkerSetId(OTHER, 7, hash_of(someone(1), someone(2)))
    consensus = Consensus(ME)
    consensus.add(someone(3), NO_SET)
    one = consensus.add(someone(1), told)
    # It does not stand in for one of them either.
    assert not consensus.has_initial_consensus()
    consensus.add(someone(2), told)
    assert consensus.has_initial_consensus()
    consensus.remove(one, is_dead=False)
    assert not consensus.has_initial_consensus()


def test_no_set_can_be_agreed_on_until_what_was_lost_is_stored() -> None:
    consensus = Consensus(ME)
    consensus.add(someone(1), NO_SET)
    gone = consensus.add(someone(2), NO_SET)
    attempts = [InvocationId(1, 1), InvocationId(1, 2)]
    consensus.remove(gone, is_dead=True, lost=dict.fromkeys(attempts, 9.0))
    found = [consensus.current]
    for invocation in attempts:
        consensus.stored(invocation)
        found.append(consensus.current)
    consensus.stored(attempts[0])

    assert [one.hash for one in found[:2]] == [hash_of(someone(1), ME)] * 2
    assert found[2] == consensus.current == WorkerSetId(ME, 4, hash_of(someone(1)))


def test_what_must_have_died_need_not_be_stored() -> None:
    consensus = Consensus(ME)
    gone = consensus.add(someone(2), NO_SET)
    lost = {InvocationId(1, 1): 8.0, InvocationId(1, 2): 9.0}
    consensus.remove(gone, is_dead=True, lost=lost)
    numbers = []
    for now in (8.9, 9.0):
        consensus.time_passed(now)
        numbers.append(consensus.current.hash.number)
    assert numbers == [1, 0]


def test_a_loss_that_is_stored_does_not_end_the_initial_wait() -> None:
    consensus = Consensus(ME, is_waiting=True)
    gone = consensus.add(someone(2), NO_SET)
    consensus.remove(gone, is_dead=True, lost={InvocationId(1, 1): 9.0})
    consensus.stored(InvocationId(1, 1))
    assert consensus.current.hash == hash_of(ME)
    consensus.wait_is_over()
    assert consensus.current.hash == hash_of()


# The law.


class World:
    """Workers that store what they are told, of which the scheduler hears later."""

    def __init__(self, first: int) -> None:
        self.consensus = Consensus(ME, first)
        self.members: list[Member] = []
        self.stored: dict[Member, WorkerSetId] = {}
        self.healthy: set[Member] = set()
        self.made = 0
        self.sets: dict[int, tuple[Member, ...]] = {first: ()}
        """The members by version; no version wraps here."""
        self.version = first

    def add(self, has_initial: bool) -> None:
        known = [member.worker for member in self.members]
        self.made += 1
        number = self.made
        initial = NO_SET
        if has_initial:
            initial = WorkerSetId(OTHER, 4, hash_of(*known, someone(number)))
        member = self.consensus.add(someone(number), initial)
        self.members.append(member)
        self.stored[member] = initial
        self.note()

    def beat(self, member: Member, is_reply_lost: bool) -> None:
        permitted = self.consensus.permits(member)
        assert self.consensus.heard(member, self.stored[member]) == ""
        if permitted:
            self.becomes_healthy(member)
        if not is_reply_lost:
            self.stored[member] = self.consensus.current

    def remove(self, member: Member, *, is_dead: bool, tasks: int = 0) -> None:
        self.members.remove(member)
        self.healthy.discard(member)
        lost = {InvocationId(0, number): 1.0 for number in range(tasks)}
        self.consensus.remove(member, is_dead=is_dead, lost=lost)
        if is_dead:
            del self.stored[member]
        self.note()

    def store(self) -> None:
        """Have what was lost on disk."""
        had_lost = self.consensus.has_unstored
        for number in range(_LOST):
            self.consensus.stored(InvocationId(0, number))
        if had_lost:
            self.note()

    def note(self) -> None:
        self.version += 1
        self.sets[self.version] = tuple(self.members)

    def concluded(self) -> dict[Member, int | None]:
        """Return what can be known of all who are not lost, by what is known now."""
        known = {one: one.indirect for some in self.sets.values() for one in some}
        is_changed = True
        while is_changed:
            is_changed = False
            for one in self.members:
                version = known[one]
                if version is None:
                    continue
                others = (known[other] for other in self.sets[version])
                highest = max(other for other in others if other is not None)
                if highest > version:
                    known[one] = highest
                    is_changed = True
        return {one: known[one] for one in self.members}

    def becomes_healthy(self, member: Member) -> None:
        self.healthy.add(member)
        self.check()

    def check(self) -> None:
        """Try all sets of workers that may live, and of which one is not lost.

        That some that are lost come back alone is among what Bistro accepts.
        """
        for told in set(self.stored.values()):
            with_it = [one for one, stored in self.stored.items() if stored == told]
            for some in combinations(with_it, told.hash.number):
                agree = hash_of(*(one.worker for one in some)) == told.hash
                if agree and any(one in self.members for one in some):
                    assert self.healthy <= set(some)


_HAPPENS = ["add", *["beat"] * 4, "refresh", "remove", "lose", "store"]
_LOST = 2
"""Attempts that a worker has which is lost with some."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(_HAPPENS),
        st.integers(0, 4),
        st.booleans(),
    ),
    max_size=40,
)


def played(first: int, steps: list[tuple[str, int, bool]]) -> World:
    world = World(first)
    for what, which, flag in steps:
        if what == "add" and len(world.members) < 5:
            world.add(flag)
        elif what == "refresh":
            world.consensus.refresh()
            for member in world.members:
                if world.consensus.permits(member):
                    world.becomes_healthy(member)
        elif what == "store":
            world.store()
        elif world.members:
            member = world.members[which % len(world.members)]
            if what == "beat":
                world.beat(member, is_reply_lost=flag)
            elif what == "remove":
                world.remove(member, is_dead=flag)
            elif what == "lose":
                world.remove(member, is_dead=flag, tasks=_LOST)
        world.check()
    return world


@settings(max_examples=300)
@given(st.sampled_from([0, WRAP - 3]), STEPS)
def test_nobody_becomes_healthy_while_some_could_agree_without_it(
    first: int, steps: list[tuple[str, int, bool]]
) -> None:
    played(first, steps)


@settings(max_examples=100)
@given(STEPS)
def test_all_become_healthy_once_all_answer(steps: list[tuple[str, int, bool]]) -> None:
    world = played(0, steps)
    for _ in range(2):
        for member in world.members:
            world.beat(member, is_reply_lost=False)
    world.consensus.refresh()
    assert all(world.consensus.permits(member) for member in world.members)


@settings(max_examples=200)
@given(st.sampled_from([0, WRAP - 3]), STEPS)
def test_a_look_concludes_all_that_can_be_concluded(
    first: int, steps: list[tuple[str, int, bool]]
) -> None:
    world = played(first, steps)
    expected = world.concluded()
    world.consensus.refresh()
    assert {one: one.indirect for one in world.members} == expected


def test_the_law_catches_one_who_becomes_healthy_without_consensus() -> None:
    world = World(0)
    world.add(has_initial=True)
    world.add(has_initial=False)
    with pytest.raises(AssertionError):
        world.becomes_healthy(world.members[1])
