"""The state that both sides compute of a worker."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.remote.identity import NO_SET, NOBODY
from bistro_tui.engine.remote.lease import lease_until, worker_gaps
from bistro_tui.engine.remote.messages import PROTOCOL_VERSION, HeartbeatReply
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_state import (
    Gaps,
    Standing,
    WorkerState,
    compute,
)

NEW, HEALTHY = WorkerState.NEW, WorkerState.HEALTHY
UNHEALTHY, MUST_DIE = WorkerState.UNHEALTHY, WorkerState.MUST_DIE
GAPS = Gaps(max_healthcheck_gap=125.0, max_heartbeat_gap=75.0, lose_after=500.0)


def standing(state: WorkerState, **more: float) -> Standing:
    values = {"became_unhealthy": 0.0, "healthcheck_sent": 100.0, "heartbeat": 100.0}
    return Standing(
        state=state,
        has_been_healthy=state is HEALTHY,
        **(values | more),
    )


@pytest.mark.parametrize(
    ("state", "now", "is_allowed", "found"),
    [
        (MUST_DIE, 100.0, True, (MUST_DIE, False)),
        (NEW, 100.0, True, (NEW, False)),
        (NEW, 500.0, True, (NEW, False)),
        (NEW, 500.1, True, (MUST_DIE, False)),
        (UNHEALTHY, 175.0, True, (HEALTHY, False)),
        (UNHEALTHY, 175.1, True, (UNHEALTHY, False)),
        (UNHEALTHY, 175.0, False, (UNHEALTHY, True)),
        (UNHEALTHY, 500.0, True, (UNHEALTHY, False)),
        (UNHEALTHY, 500.1, True, (MUST_DIE, False)),
        (HEALTHY, 175.0, False, (HEALTHY, False)),
        (HEALTHY, 175.1, False, (UNHEALTHY, False)),
        (HEALTHY, 9_999.0, False, (UNHEALTHY, False)),
    ],
)
def test_the_state_is_what_the_rule_says_and_every_limit_is_still_good(
    state: WorkerState, now: float, is_allowed: bool, found: tuple[WorkerState, bool]
) -> None:
    assert compute(standing(state), GAPS, now, is_allowed=is_allowed) == found


def test_an_old_health_check_is_enough_to_be_unhealthy() -> None:
    one = standing(HEALTHY, heartbeat=300.0)
    assert compute(one, GAPS, 225.0, is_allowed=True) == (HEALTHY, False)
    assert compute(one, GAPS, 225.1, is_allowed=True) == (UNHEALTHY, False)


def test_who_only_lacks_consent_is_never_lost() -> None:
    one = standing(UNHEALTHY, healthcheck_sent=9_999.0, heartbeat=9_999.0)
    assert compute(one, GAPS, 9_999.0, is_allowed=False) == (UNHEALTHY, True)


def test_who_was_healthy_once_needs_no_consent() -> None:
    once = standing(UNHEALTHY).moved(HEALTHY, 100.0).moved(UNHEALTHY, 100.0)
    assert compute(once, GAPS, 150.0, is_allowed=False) == (HEALTHY, False)


def test_only_the_end_of_being_healthy_is_a_new_beginning_of_being_unhealthy() -> None:
    one = standing(NEW).moved(UNHEALTHY, 10.0)
    assert one.became_unhealthy == 0.0
    one = one.moved(HEALTHY, 20.0).moved(HEALTHY, 25.0).moved(UNHEALTHY, 30.0)
    assert one.became_unhealthy == 30.0
    assert one.moved(UNHEALTHY, 40.0).became_unhealthy == 30.0


def test_without_a_limit_nobody_is_lost() -> None:
    gaps = Gaps(max_healthcheck_gap=0.0, max_heartbeat_gap=0.0, lose_after=math.inf)
    one = Standing(became_unhealthy=0.0)
    assert compute(one, gaps, 1e12, is_allowed=False) == (NEW, False)


PAST = st.floats(-1_000.0, 0.0)


@given(
    state=st.sampled_from((NEW, UNHEALTHY, HEALTHY)),
    became=PAST,
    check=PAST,
    heartbeat=PAST,
    has_been=st.booleans(),
)
def test_the_lease_is_the_first_moment_at_which_the_worker_can_be_lost(
    state: WorkerState,
    became: float,
    check: float,
    heartbeat: float,
    has_been: bool,
) -> None:
    now = 0.0
    gaps = Gaps(max_healthcheck_gap=100.0, max_heartbeat_gap=50.0, lose_after=300.0)
    one = Standing(
        became_unhealthy=became,
        state=state,
        healthcheck_sent=check,
        heartbeat=heartbeat,
        has_been_healthy=has_been or state is HEALTHY,
    )

    def look(one: Standing, now: float) -> Standing:
        found, _ = compute(one, gaps, now, is_allowed=False)
        return one.moved(found, min(now, one.fresh_until(gaps)))

    one = look(one, now)
    until = lease_until(one, gaps)
    if one.state is MUST_DIE:
        assert until <= now
        return
    # However often it is looked at, it is not lost before; soon after, it is.
    for part in (0.1, 0.5, 0.9, 1.0):
        at = now + (until - now) * part
        one = look(one, max(now, min(at, until)))
        assert one.state is not MUST_DIE or until <= now
    after = max(now, until) + 0.001
    assert look(look(one, after), after).state is MUST_DIE


PERIODS = st.one_of(st.floats(0.05, 100_000.0), st.sampled_from((0.05, 1e5)))


@given(
    times=st.builds(
        PoolTimes,
        heartbeat_grace_period=PERIODS,
        healthcheck_period=PERIODS,
        healthcheck_grace_period=PERIODS,
        lose_unhealthy_worker_after=PERIODS,
        worker_check_interval=PERIODS,
        suicide_backoff_safety_margin_sec=st.floats(1.0, 1_000.0),
        suicide_task_kill_wait_ms=st.integers(0, 30_000),
    ),
    heartbeat_period=PERIODS,
    is_check=st.booleans(),
    fast=st.floats(0.99, 1.01),
    slow=st.floats(0.99, 1.01),
)
def test_a_lost_task_is_dead_before_it_may_start_again_whatever_the_settings(
    times: PoolTimes, heartbeat_period: float, is_check: bool, fast: float, slow: float
) -> None:
    reply = HeartbeatReply(
        id=NOBODY,
        max_healthcheck_gap=times.max_healthcheck_gap,
        heartbeat_grace_period=times.heartbeat_grace_period,
        lose_unhealthy_worker_after=times.lose_unhealthy_worker_after,
        worker_check_interval=times.worker_check_interval,
        worker_state=HEALTHY,
        protocol_version=PROTOCOL_VERSION,
        worker_set=NO_SET,
        healthcheck_age=0.0,
        suicide_kill_wait_ms=times.suicide_task_kill_wait_ms,
    )
    gaps = worker_gaps(reply, heartbeat_period)
    heard = Standing(
        became_unhealthy=0.0,
        state=HEALTHY,
        healthcheck_sent=0.0 if is_check else math.inf,
        heartbeat=math.inf if is_check else 0.0,
        has_been_healthy=True,
    )
    kill_wait = times.suicide_task_kill_wait_ms / 1_000
    # Wardens look at their lease four times a second.
    dead = (lease_until(heard, gaps) + 0.25 + kill_wait) / slow
    gap = (
        times.max_healthcheck_gap
        if is_check
        else heartbeat_period + times.heartbeat_grace_period
    )
    safe = times.suicide_backoff_safety_margin_sec + int(kill_wait) + 1
    restart = (gap + times.lose_unhealthy_worker_after + safe) / fast
    assert dead < restart


@given(
    state=st.sampled_from([NEW, HEALTHY, UNHEALTHY]),
    heard=st.floats(0, 1_000),
    became=st.floats(0, 1_000),
    is_allowed=st.booleans(),
)
def test_a_worker_of_which_nothing_is_heard_is_lost_after_the_moment_that_is_told(
    state: WorkerState, heard: float, became: float, *, is_allowed: bool
) -> None:
    known = standing(
        state, healthcheck_sent=heard, heartbeat=heard, became_unhealthy=became
    )
    after = known.lost_after(GAPS)
    if state is HEALTHY:
        # Seen at once, that it is silent.
        silent = math.nextafter(known.fresh_until(GAPS), math.inf)
        assert compute(known, GAPS, silent, is_allowed=is_allowed)[0] is UNHEALTHY
        known = known.moved(UNHEALTHY, known.fresh_until(GAPS))
    assert compute(known, GAPS, after, is_allowed=is_allowed)[0] is not MUST_DIE
    later = math.nextafter(after, math.inf)
    assert compute(known, GAPS, later, is_allowed=is_allowed)[0] is MUST_DIE


def test_a_worker_is_never_lost_where_none_is() -> None:
    never = replace(GAPS, lose_after=math.inf)
    for state in (NEW, HEALTHY, UNHEALTHY):
        assert standing(state).lost_after(never) == math.inf
