"""What a plug-in's policy cannot do to the scheduler."""

import random
from asyncio import CancelledError
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import pytest

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.installed import Group, Part
from bistro_tui.engine.plugged_policy import GuardedPolicy, policy_named
from bistro_tui.engine.scheduling.policies.long_tail import LongTail
from bistro_tui.engine.scheduling.policies.policy import Contender

PART = Part(
    group=Group.POLICIES, name="odd", reference="acme:Odd", distribution="acme 1.0"
)


@dataclass(frozen=True, eq=False)
class Job:
    name: JobName
    priority: float = 1.0
    candidates: int = 1
    last_start: int = 0


A, B, C = (Job(JobName(name)) for name in "abc")


class Odd:
    """A policy that does as it is told, and fails where it is told to."""

    def __init__(
        self, fails_in: str = "", error: type[BaseException] = ZeroDivisionError
    ) -> None:
        self.fails_in, self.error = fails_in, error
        self.calls: list[str] = []

    def _call(self, method: str) -> None:
        self.calls.append(method)
        if method == self.fails_in:
            raise self.error("odd")

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        self._call("set_jobs")

    def choose(self, waiting: Collection[Contender]) -> Contender:
        self._call("choose")
        return max(waiting, key=lambda job: job.name)

    def started(self, job: Contender) -> None:
        self._call("started")

    def changed(self, job: Contender) -> None:
        self._call("changed")


def guarded(factory: Callable[[random.Random], Odd]) -> GuardedPolicy:
    return GuardedPolicy(PART, factory, random.Random(0))


def turns(policy: GuardedPolicy, number: int = 3) -> set[str]:
    """Return whose turn it is, choice after choice."""
    found = set()
    for _ in range(number):
        chosen = policy.choose([A, B, C])
        policy.started(chosen)
        policy.changed(chosen)
        found.add(str(chosen.name))
    return found


def test_a_policy_that_works_is_asked_and_told_everything() -> None:
    odd = Odd()
    policy = guarded(lambda _: odd)
    policy.set_jobs([A, B, C])
    assert turns(policy, 1) == {"c"}
    assert odd.calls == ["set_jobs", "choose", "started", "changed"]


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, CancelledError])
@pytest.mark.parametrize("method", ["set_jobs", "choose", "started", "changed"])
def test_after_an_error_the_jobs_take_turns(
    method: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    policy = guarded(lambda _: Odd(fails_in=method, error=error))
    policy.set_jobs([A, B, C])
    turns(policy, 1)
    assert turns(policy) == {"a", "b", "c"}
    (record,) = caplog.records
    assert record.getMessage() == (
        f'the policy "odd" of acme 1.0 failed: {error.__name__}: odd;'
        " roundrobin goes on in its place until the jobs change"
    )


@pytest.mark.parametrize("method", ["set_jobs", "choose", "started", "changed"])
def test_an_interrupt_is_no_failure_of_the_policy(method: str) -> None:
    policy = guarded(lambda _: Odd(fails_in=method, error=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - any of these calls
        policy.set_jobs([A, B, C])
        turns(policy, 1)


def test_a_policy_that_exits_when_it_is_made_is_one_that_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def factory(_: random.Random) -> Odd:
        raise SystemExit("no licence")

    policy = guarded(factory)
    policy.set_jobs([A, B, C])
    assert turns(policy) == {"a", "b", "c"}
    assert "SystemExit: no licence" in caplog.text


def test_a_choice_of_nobody_who_waits_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = Job(JobName("z"))

    class Stranger(Odd):
        def choose(self, waiting: object) -> Job:
            return stranger

    policy = guarded(lambda _: Stranger())
    policy.set_jobs([A, B, C])
    assert turns(policy) == {"a", "b", "c"}
    assert "which is no job that waits" in caplog.text


def test_a_policy_that_failed_has_another_chance_when_the_jobs_change() -> None:
    policies = iter([Odd(fails_in="choose"), Odd()])
    policy = guarded(lambda _: next(policies))
    policy.set_jobs([A, B, C])
    assert turns(policy) == {"a", "b", "c"}
    policy.set_jobs([A, B, C])
    assert turns(policy) == {"c"}


def test_a_policy_that_cannot_be_made_is_one_that_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def factory(_: random.Random) -> Odd:
        raise OSError("no rules found")

    policy = guarded(factory)
    policy.set_jobs([A, B, C])
    assert turns(policy) == {"a", "b", "c"}
    assert "OSError: no rules found" in caplog.text


def test_a_built_in_policy_needs_no_guard() -> None:
    assert policy_named("long_tail") is LongTail
