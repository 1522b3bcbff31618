import asyncio
from pathlib import Path

from bistro_tui.engine.config.model import Json
from tests.engine.nodes.builders import loader, outline, script, settings

MANUAL: tuple[str, Json] = ("manual", {"p": [], "q": []})
ONE_NODE = ["root"]


def scripted(name: str, **prefs: Json) -> tuple[str, Json]:
    return ("script", {"parent_level": "a", "script": name, **prefs})


async def test_a_script_adds_children_to_each_parent_in_order(tmp_path: Path) -> None:
    name = script(tmp_path / "nodes.sh", 'echo "$1-2"; echo "$1-1"')
    result = await loader(tmp_path).load(settings(MANUAL, scripted(name)))
    assert result.errors == ()
    assert outline(result.tree) == [
        "root",
        "root/p",
        "root/q",
        "root/p/p-2",
        "root/p/p-1",
        "root/q/q-2",
        "root/q/q-1",
    ]


async def test_replicas_of_a_parent_get_the_same_children(tmp_path: Path) -> None:
    name = script(tmp_path / "nodes.sh", "echo x")
    sources = (
        ("manual", {"p": ["r"], "q": ["r"]}),
        ("script", {"parent_level": "b", "script": name}),
    )
    result = await loader(tmp_path).load(settings(*sources, levels=("a", "b", "c")))
    assert outline(result.tree)[-2:] == ["root/p/r/x", "root/q/r/x"]


async def test_a_script_that_fails_at_first_has_no_nodes(tmp_path: Path) -> None:
    name = script(tmp_path / "nodes.sh", "echo half; exit 1")
    result = await loader(tmp_path).load(settings(MANUAL, scripted(name)))
    assert outline(result.tree) == ["root", "root/p", "root/q"]
    assert result.errors == (
        'node script ./nodes.sh for "p": exited with status 1; it has no nodes yet',
    )


async def test_the_last_good_nodes_of_a_failing_script_stay(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sh"
    nodes = loader(tmp_path)
    wanted = settings(MANUAL, scripted(script(path, 'echo "$1-1"')))
    good = await nodes.load(wanted)
    script(path, "echo half; exit 1")
    for _ in range(2):
        failed = await nodes.load(wanted)
        assert outline(failed.tree) == outline(good.tree)
        assert failed.errors[0].endswith("; its last good nodes stay")
    script(path, 'echo "$1-new"')
    assert outline((await nodes.load(wanted)).tree)[-1] == "root/q/q-new"


async def test_last_good_nodes_follow_their_parents(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sh"
    nodes = loader(tmp_path)
    name = script(path, 'echo "$1-1"')
    await nodes.load(settings(MANUAL, scripted(name)))
    script(path, "exit 1")
    fewer = settings(("manual", {"new": [], "q": []}), scripted(name, timeout_sec=9))
    result = await nodes.load(fewer)
    assert outline(result.tree) == ["root", "root/new", "root/q", "root/q/q-1"]


async def test_one_failing_source_leaves_the_others_alone(tmp_path: Path) -> None:
    bad = script(tmp_path / "bad.sh", "exit 1")
    good = script(tmp_path / "good.sh", 'echo "$1-good"')
    result = await loader(tmp_path).load(
        settings(MANUAL, scripted(bad), scripted(good), scripted(bad))
    )
    assert [name.rpartition("/")[2] for name in outline(result.tree)] == [
        "root",
        "p",
        "q",
        "p-good",
        "q-good",
    ]
    assert len(result.errors) == 2


async def test_the_same_script_twice_remembers_two_answers(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sh"
    nodes = loader(tmp_path)
    name = script(path, 'echo "$1-$(ls run* 2>/dev/null | wc -l)"; touch run$$')
    twice = settings(("manual", {"p": []}), scripted(name), scripted(name))
    good = await nodes.load(twice)
    script(path, "exit 1")
    assert outline((await nodes.load(twice)).tree) == outline(good.tree)
    assert len(set(outline(good.tree))) == 4


async def test_a_name_on_two_levels_leaves_the_last_good_tree(tmp_path: Path) -> None:
    path = tmp_path / "nodes.sh"
    nodes = loader(tmp_path)
    wanted = settings(MANUAL, scripted(script(path, 'echo "$1-1"')))
    good = await nodes.load(wanted)
    script(path, "echo p")
    clash = await nodes.load(wanted)
    assert outline(clash.tree) == outline(good.tree)
    assert clash.errors == (
        'the node "p" is on two levels, "a" and "b"; give one of them another name',
    )


async def test_a_name_on_two_levels_at_first_leaves_the_instance_node(
    tmp_path: Path,
) -> None:
    result = await loader(tmp_path).load(settings(("manual", {"root": []})))
    assert outline(result.tree) == ONE_NODE
    assert '"root" is on two levels, "instance" and "a"' in result.errors[0]


async def test_a_last_tree_of_other_levels_is_of_no_use(tmp_path: Path) -> None:
    nodes = loader(tmp_path)
    await nodes.load(settings(MANUAL))
    result = await nodes.load(settings(("manual", {"root": []}), levels=("c",)))
    assert outline(result.tree) == ONE_NODE


async def test_loads_wait_for_each_other(tmp_path: Path) -> None:
    body = "mkdir busy || exit 1; sleep 0.05; rmdir busy; echo x"
    nodes = loader(tmp_path)
    wanted = settings(("manual", {"p": []}), scripted(script(tmp_path / "n.sh", body)))
    results = await asyncio.gather(*(nodes.load(wanted) for _ in range(4)))
    assert [result.errors for result in results] == [()] * 4


async def test_a_relative_config_directory_is_meant_from_here(tmp_path: Path) -> None:
    name = script(tmp_path / "nodes.sh", "echo x")
    here = Path.cwd()
    relative = Path(*[".."] * len(here.parts[1:]), *tmp_path.parts[1:])
    result = await loader(relative).load(
        settings(("manual", {"p": []}), scripted(name))
    )
    assert result.errors == ()
