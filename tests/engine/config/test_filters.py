import dataclasses

import pytest

from bistro_tui.engine.config.filters import LevelFilter, RegexError, compile_regex


def passing(level_filter: LevelFilter, *nodes: str, job: str = "etl") -> list[str]:
    none: frozenset[str] = frozenset()
    return [
        node for node in nodes if level_filter.accepts(job=job, node=node, tags=none)
    ]


def test_a_filter_without_conditions_accepts_every_node() -> None:
    assert passing(LevelFilter(), "a", "") == ["a", ""]


def test_only_names_of_the_whitelist_pass() -> None:
    assert passing(LevelFilter(whitelist=frozenset({"a"})), "a", "ab") == ["a"]


def test_names_of_the_blacklist_do_not_pass() -> None:
    assert passing(LevelFilter(blacklist=frozenset({"a"})), "a", "ab") == ["ab"]


def test_a_regex_is_found_anywhere_in_the_name() -> None:
    assert passing(LevelFilter(whitelist_regex="b+"), "abba", "aa") == ["abba"]
    assert passing(LevelFilter(blacklist_regex="^a"), "ab", "ba") == ["ba"]


def test_one_tag_of_the_whitelist_is_enough_and_no_tag_is_not() -> None:
    wanted = LevelFilter(tag_whitelist=frozenset({"ssd", "gpu"}))
    assert wanted.accepts(job="j", node="n", tags=frozenset({"gpu", "old"}))
    assert not wanted.accepts(job="j", node="n", tags=frozenset({"old"}))
    assert not wanted.accepts(job="j", node="n", tags=frozenset())


def test_all_conditions_must_hold_at_once() -> None:
    both = LevelFilter(whitelist_regex="a", blacklist_regex="b")
    assert passing(both, "a", "b", "ab") == ["a"]


def test_about_the_wanted_share_of_nodes_passes() -> None:
    nodes = [f"node{i}" for i in range(10_000)]
    chosen = passing(LevelFilter(fraction_of_nodes=0.5), *nodes)
    assert 4_850 < len(chosen) < 5_150


def test_a_smaller_share_is_part_of_a_larger_one() -> None:
    nodes = [f"node{i}" for i in range(500)]
    quarter = passing(LevelFilter(fraction_of_nodes=0.25), *nodes)
    half = passing(LevelFilter(fraction_of_nodes=0.5), *nodes)
    assert set(quarter) < set(half)


def test_jobs_with_like_names_get_unrelated_shares() -> None:
    nodes = [f"node{i}" for i in range(2_000)]
    half = LevelFilter(fraction_of_nodes=0.5)
    first = set(passing(half, *nodes, job="job1"))
    second = set(passing(half, *nodes, job="job2"))
    assert 400 < len(first & second) < 600


def test_a_share_is_the_same_after_a_restart() -> None:
    nodes = [f"node{i}" for i in range(12)]
    chosen = passing(LevelFilter(fraction_of_nodes=0.5), *nodes)
    assert chosen == SHARE_OF_TWELVE


SHARE_OF_TWELVE = ["node0", "node1", "node3", "node6", "node11"]


@pytest.mark.parametrize("fraction", [0.0, -1.0, 1.0, 7.0])
def test_a_share_outside_0_to_1_is_all_of_them(fraction: float) -> None:
    assert passing(LevelFilter(fraction_of_nodes=fraction), "a", "b") == ["a", "b"]


def test_filters_stay_equal_and_hashable_after_use() -> None:
    used, fresh = LevelFilter(whitelist_regex="a"), LevelFilter(whitelist_regex="a")
    assert passing(used, "a") == ["a"]
    assert used == fresh
    assert hash(used) == hash(fresh)
    assert dataclasses.replace(used, whitelist_regex="b") != used


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "must not be empty"),
        ("(", "is not a valid regex: missing )"),
        ("(?=a)b", "lookaround and backreferences are left out"),
        (r"(a)\1", "lookaround and backreferences are left out"),
        ("a{9999}", "is not a valid regex: invalid repetition size"),
        ("\ud800", "must be valid Unicode"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, words: str) -> None:
    with pytest.raises(RegexError, match=words.replace("(", r"\(").replace(")", r"\)")):
        compile_regex(pattern)


def test_a_bad_pattern_writes_nothing_to_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RegexError):
        compile_regex("(((")
    assert capfd.readouterr() == ("", "")


def test_a_pattern_that_explodes_elsewhere_is_quick_here() -> None:
    evil = LevelFilter(whitelist_regex="^(a+)+$")
    assert passing(evil, "a" * 50_000 + "b") == []
