"""The foot offers only keys that act on what is under the cursor."""

from bistro_tui.engine.view import LevelName, NodeName, ResourceName
from bistro_tui.present.act_offers import idle_acts
from bistro_tui.present.things import JobThing, NodeThing, ResourceThing, TaskThing
from tests.ui.scenes import busy_engine
from tests.ui.scripted import task

SHOWN = busy_engine().current


def job_named(name: str) -> JobThing:
    return JobThing(name=next(row.name for row in SHOWN.jobs if row.name == name))


def test_what_does_not_run_is_not_stopped_and_what_runs_not_forgiven() -> None:
    assert idle_acts(SHOWN, [job_named("backup")]) == set()
    assert idle_acts(SHOWN, [job_named("ship-logs")]) == {"act.stop", "act.forgive"}
    assert idle_acts(SHOWN, [TaskThing(task=task("backup", "db1"))]) == {"act.forgive"}
    assert idle_acts(SHOWN, [TaskThing(task=task("compress", "db7"))]) == {"act.stop"}


def test_a_node_is_not_switched_and_a_resource_only_explained() -> None:
    assert idle_acts(SHOWN, [NodeThing(name=NodeName("db1"))]) == {"act.toggle"}
    thing = ResourceThing(
        node=NodeName("db1"), level=LevelName("host"), resource=ResourceName("io")
    )
    assert "act.why" not in idle_acts(SHOWN, [thing])
    assert "act.stop" in idle_acts(SHOWN, [thing])


def test_without_an_item_nothing_acts() -> None:
    assert idle_acts(SHOWN, ()) >= {"act.toggle", "act.why", "act.stop"}
