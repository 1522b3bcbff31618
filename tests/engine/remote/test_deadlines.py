"""One timer for many deadlines."""

import asyncio

from bistro_tui.engine.remote.deadlines import Deadlines
from tests.engine.remote.sides import until


async def test_each_has_its_own_time_and_those_removed_have_none() -> None:
    late: list[int] = []
    deadlines = Deadlines(late.append)
    # The first by so much later that no pause between these lines matters.
    deadlines.add(1, 2.0)
    deadlines.add(2, 0.001)
    deadlines.add(3, 0.03)
    deadlines.add(4, 0.001)
    deadlines.remove(4)
    deadlines.remove(5)
    await until(lambda: len(late) == 3)
    assert late == [2, 3, 1]


async def test_none_is_over_before_its_time() -> None:
    loop = asyncio.get_running_loop()
    late: list[float] = []
    deadlines = Deadlines(lambda _number: late.append(loop.time()))
    began = loop.time()
    deadlines.add(1, 0.001)
    deadlines.remove(1)
    deadlines.add(2, 0.02)
    await until(lambda: late)
    assert late[0] >= began + 0.02


async def test_one_that_is_over_may_end_all_others() -> None:
    late: list[int] = []

    def over(number: int) -> None:
        late.append(number)
        deadlines.clear()

    deadlines = Deadlines(over)
    for number in range(3):
        deadlines.add(number, 0.0)
    await until(lambda: late)
    await asyncio.sleep(0.005)
    assert late == [0]


async def test_one_that_is_over_may_lead_to_another() -> None:
    late: list[int] = []

    def over(number: int) -> None:
        late.append(number)
        if number < 3:
            deadlines.add(number + 1, 0.001)

    deadlines = Deadlines(over)
    deadlines.add(0, 0.001)
    await until(lambda: late == [0, 1, 2, 3])
