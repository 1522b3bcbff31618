"""Timers of the warden's loop."""

import tracemalloc
from functools import partial

from bistro_tui.engine.warden.loop import Loop


def test_timers_that_were_cancelled_do_not_pile_up() -> None:
    loop = Loop()
    tracemalloc.start()
    try:
        for _ in range(10_000):
            loop.later(3600, lambda: None).cancel()
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_the_others_are_called_in_their_order_and_none_that_was_cancelled() -> None:
    loop, called = Loop(), list[int]()
    timers = [
        loop.later(number / 1e6, partial(called.append, number))
        for number in reversed(range(1_000))
    ][::-1]
    for number, timer in enumerate(timers):
        if number % 5:
            timer.cancel()
            timer.cancel()
    while len(called) < 200:
        loop.turn(0.1)
    for timer in timers:
        timer.cancel()
    loop.turn(0)
    kept = range(0, 1_000, 5)
    assert called == sorted(kept, key=lambda number: (timers[number].due, -number))


def test_a_callback_may_cancel_all_others() -> None:
    loop, called = Loop(), list[int]()
    timers = [loop.later(0, lambda: called.append(2)) for _ in range(300)]

    def cancel() -> None:
        called.append(1)
        for timer in timers:
            timer.cancel()

    loop.later(-1, cancel)
    loop.turn(0)
    loop.later(0, lambda: called.append(3))
    loop.turn(0)
    assert called == [1, 3]
