"""Parts chosen by name: ours, and those of distributions that are really installed."""

import importlib.metadata
import sys

import pytest

from bistro_tui.engine.installed import BUILT_IN, Group, PluginError, find, names
from tests.engine.conftest import Install


@pytest.mark.parametrize("group", Group)
def test_the_built_in_parts_are_entry_points_of_this_distribution(group: Group) -> None:
    ours = importlib.metadata.distribution("bistro-tui").entry_points
    points = {point.name: point.value for point in ours.select(group=group.value)}
    assert points == BUILT_IN[group]
    assert points


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group in Group for name in BUILT_IN[group]]
)
def test_every_built_in_part_can_be_loaded(group: Group, name: str) -> None:
    assert callable(find(group, name).load())


def test_a_built_in_name_does_not_search_the_installed_distributions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(**_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("importlib.metadata.entry_points", search)
    assert find(Group.POLICIES, "roundrobin").distribution == ""


def test_an_installed_part_is_found_by_its_name(install: Install) -> None:
    install(
        "acme-found",
        "class Fair: ...",
        (Group.POLICIES, "fair", "acme_found_module:Fair"),
    )
    part = find(Group.POLICIES, "fair")
    assert str(part) == 'policy "fair" of acme-found 1.0'
    assert part.load().__name__ == "Fair"
    assert names(Group.POLICIES) == (*BUILT_IN[Group.POLICIES], "fair")
    assert "fair" not in names(Group.RUNNERS)


def test_looking_at_names_imports_no_plug_in(install: Install) -> None:
    install("acme-lazy", "", (Group.RUNNERS, "lazy", "acme_lazy_module:Runner"))
    assert "lazy" in names(Group.RUNNERS)
    find(Group.RUNNERS, "lazy")
    assert "acme_lazy_module" not in sys.modules


def test_an_unknown_name_tells_what_there_is_and_the_nearest(install: Install) -> None:
    install("acme-near", "", (Group.RUNNERS, "cluster", "acme_near_module:Runner"))
    with pytest.raises(PluginError) as caught:
        find(Group.RUNNERS, "clustr", words=("auto",))
    assert str(caught.value) == (
        'unknown runner "clustr"; there are auto, local, cluster;'
        ' did you mean "cluster"?'
    )


def test_a_name_of_two_distributions_is_refused_naming_both(install: Install) -> None:
    for name in ("acme-one", "acme-two"):
        install(name, "", (Group.STATUS_STORES, "redis", "x:y"))
    with pytest.raises(PluginError) as caught:
        find(Group.STATUS_STORES, "redis")
    assert str(caught.value) == (
        'two distributions have a status store "redis": acme-one 1.0 and acme-two 1.0;'
        " uninstall one of them"
    )


def test_no_plug_in_can_replace_a_built_in_part(install: Install) -> None:
    install(
        "acme-thief",
        "class Mine: ...",
        (Group.RUNNERS, "local", "acme_thief_module:Mine"),
    )
    part = find(Group.RUNNERS, "local")
    assert (part.distribution, part.load().__module__) == (
        "",
        "bistro_tui.engine.runners.builtin",
    )
    assert names(Group.RUNNERS).count("local") == 1


@pytest.mark.parametrize(
    ("module", "point", "problem"),
    [
        ("import no_such_thing", "Part", "cannot be loaded: ModuleNotFoundError: No"),
        ("1 / 0", "Part", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "Part", "cannot be loaded: SystemExit: 3"),
        ("other = 1", "Part", "cannot be loaded: AttributeError: module"),
        ("Part = 1", "Part", "cannot be used: acme_bad_module:Part is no class"),
    ],
)
def test_what_cannot_be_loaded_names_distribution_and_error(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    point: str,
    problem: str,
) -> None:
    install("acme-bad", module, (Group.POLICIES, "bad", f"acme_bad_module:{point}"))
    monkeypatch.delitem(sys.modules, "acme_bad_module", raising=False)
    with pytest.raises(PluginError) as caught:
        find(Group.POLICIES, "bad").load()
    shown = str(caught.value)
    assert shown.startswith(f'the policy "bad" of acme-bad 1.0 {problem}')
    assert "\n" not in shown


def test_a_part_without_its_methods_is_refused(install: Install) -> None:
    install(
        "acme-thin",
        "class Thin: ...",
        (Group.POLICIES, "thin", "acme_thin_module:Thin"),
    )
    part = find(Group.POLICIES, "thin")
    with pytest.raises(PluginError) as caught:
        part.checked(part.load()(), ("set_jobs", "choose"))
    assert str(caught.value) == (
        'the policy "thin" of acme-thin 1.0 cannot be used:'
        " Thin has no set_jobs(), choose()"
    )
