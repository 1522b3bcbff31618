"""What the core is told of the workers of a pool."""

import msgspec

from bistro_tui.engine.remote.messages import Leaving
from bistro_tui.engine.runners.worker_facts import all_facts
from tests.engine.remote.pools import Driver, worker


def test_a_worker_that_is_gone_is_none_any_more() -> None:
    driver = Driver()
    ends, stays = worker(), worker("w2", rand=2, host="host2")
    driver.healthy(ends, stays)
    for is_over, seen in ((False, [("w1", True), ("w2", False)]), (True, None)):
        driver.pool.leaving("w1", ends.id, driver.now, Leaving(is_over))
        facts = all_facts(driver.pool.rows())
        found = [(one.shard, one.is_leaving) for one in facts]
        assert found == (seen or [("w2", False)])
    assert len(driver.pool.rows()) == 2


def test_a_worker_that_is_held_is_none_that_takes_tasks_and_says_why() -> None:
    driver = Driver()
    one = worker()
    driver.healthy(one)
    driver.beat(msgspec.structs.replace(one, held="disk full", slots=0))
    (facts,) = all_facts(driver.pool.rows())
    assert (facts.is_healthy, facts.held) == (False, "disk full")
