"""Random small worlds and what can happen to them."""

from collections.abc import Mapping

from hypothesis import strategies as st

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Config, Job, NodeOrder, PolicyName
from bistro_tui.engine.nodes.tree import NodeTree
from tests.engine.scheduling.builders import limits, make_config, make_job, make_tree

JOBS = ("j0", "j1", "j2")
HOSTS = ("h0", "h1", "h2")
DBS = ("a", "b", "c", "dt")

REPORTS = (4, 4, 4, 8, 16, 32, 96, 584, 608)


def trees() -> st.SearchStrategy[NodeTree]:
    """Two levels; a db name under two hosts is a replica."""
    hosts = st.dictionaries(
        st.sampled_from(HOSTS), st.lists(st.sampled_from(DBS), max_size=4), max_size=3
    )
    disabled = st.lists(st.sampled_from(HOSTS + DBS), max_size=1)
    return st.builds(make_tree, hosts, disabled)


def filters() -> st.SearchStrategy[Mapping[str, LevelFilter]]:
    """Mostly none."""
    one = st.one_of(
        st.builds(
            LevelFilter,
            blacklist=st.frozensets(st.sampled_from(HOSTS + DBS), max_size=2),
        ),
        st.just(LevelFilter(tag_whitelist=frozenset({"tagged"}))),
    )
    levels = st.dictionaries(st.sampled_from(("host", "db")), one, max_size=1)
    return st.one_of(st.just({}), st.just({}), levels)


def jobs(name: str, lowest_need: int = 0) -> st.SearchStrategy[Job]:
    return st.builds(
        make_job,
        st.just(name),
        level=st.sampled_from(("db", "db", "db", "host", "instance")),
        needs=st.dictionaries(
            st.sampled_from(("total", "per_host", "per_db", "ram")),
            st.integers(lowest_need, 3),
            max_size=2,
        ),
        depends_on=st.sampled_from(
            ((), (), ("j0",), ("j0",), ("j1",), ("j0", "j1"), ("nobody",))
        ),
        enabled=st.sampled_from((True, True, True, False)),
        errors=st.sampled_from(((), (), (), ("owner: missing",))),
        priority=st.sampled_from((-1.0, 0.0, 0.5, 1.0, 7.0)),
        backoff=st.sampled_from(
            (
                Backoff(steps=(5, 9), repeat=False),
                Backoff(steps=(5,), repeat=True),
                Backoff(steps=(), repeat=False),
            )
        ),
        filters=filters(),
        kill_orphans=st.sampled_from((None, 0.0, 4.0)),
    )


def configs(lowest_need: int = 0) -> st.SearchStrategy[Config]:
    resources = st.fixed_dictionaries(
        {},
        optional={
            "instance": st.fixed_dictionaries({"total": st.integers(0, 4)}),
            "host": st.fixed_dictionaries({"per_host": st.integers(-1, 3)}),
            "db": st.fixed_dictionaries({"per_db": st.integers(0, 2)}),
            "worker": st.fixed_dictionaries({"ram": st.integers(0, 4)}),
        },
    )
    return st.builds(
        lambda found, limited, override, **rest: make_config(
            *found,
            resources=limits(**limited),
            worker_override=override if "worker" in limited else None,
            **rest,
        ),
        st.tuples(*(jobs(name, lowest_need) for name in JOBS)).flatmap(
            lambda found: st.lists(
                st.sampled_from(found), unique_by=lambda job: job.name, max_size=3
            )
        ),
        resources,
        st.sampled_from((None, None, {"ram": 1})),
        policy=st.sampled_from(PolicyName),
        order=st.sampled_from(NodeOrder),
        enabled=st.sampled_from((True, True, True, True, False)),
        on_bad_config=st.sampled_from(("pause", "keep")),
    )
