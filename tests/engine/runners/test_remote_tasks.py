"""What runs on workers, as far as is known."""

import pytest

from bistro_tui.engine.config.model import KillMethod
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.messages import KillTask, KillWords, RunningTask
from bistro_tui.engine.runners.remote_kills import RemoteKills
from bistro_tui.engine.runners.remote_tasks import RemoteTasks
from tests.engine.remote.pools import running

WORDS = KillWords(KillMethod.KILL.value, 0)


class Board:
    """Tasks whose workers are all away, and the kills that wait for them."""

    def __init__(self) -> None:
        self.asked: list[RunningTask] = []
        self.kills = RemoteKills(
            link_of=lambda shard: None,
            message=self.message,
            timeout=25.0,
            on_given_up=lambda: None,
        )
        self.tasks = RemoteTasks(self.kills)

    def message(self, task: RunningTask, words: KillWords) -> KillTask | None:
        self.asked.append(task)
        return None

    def add(self, number: int) -> RunningTask:
        one = running(f"n{number}", attempt=number)
        self.tasks.add(one)
        return one


async def test_a_task_is_that_of_its_own_worker_only_and_until_it_is_over() -> None:
    board = Board()
    one = board.add(1)
    assert one.invocation in board.tasks
    assert board.tasks.of("w1", one.invocation) == one
    assert board.tasks.of("w2", one.invocation) is None
    assert board.tasks.of("w1", InvocationId(2, 2)) is None

    board.tasks.over(one.invocation)
    assert one.invocation not in board.tasks
    assert board.tasks.of("w1", one.invocation) is None


async def test_only_what_runs_is_to_end_and_only_until_it_is_over() -> None:
    board = Board()
    one = board.add(1)
    board.tasks.kill(InvocationId(2, 2), WORDS)
    assert not board.kills._wanted
    board.tasks.kill(one.invocation, WORDS)
    assert list(board.kills._wanted) == [one.invocation]
    board.tasks.over(one.invocation)
    assert not board.kills._wanted
    board.kills.close()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, ""),
        (1, "1 task is left that could not be ended in time: j@n0 on w1"),
        (
            2,
            "2 tasks are left that could not be ended in time: j@n0 on w1, j@n1 on w1",
        ),
        (
            6,
            "6 tasks are left that could not be ended in time: j@n0 on w1, "
            "j@n1 on w1, j@n2 on w1, j@n3 on w1, j@n4 on w1 …",
        ),
    ],
)
async def test_what_is_left_is_said_once(number: int, text: str) -> None:
    board = Board()
    tasks = [board.add(index) for index in range(number)]
    assert board.tasks.leave() == text
    assert board.tasks.leave() == ""
    assert not any(one.invocation in board.tasks for one in tasks)
