"""Random worlds of up to five levels: resources on any of them, replicas anywhere."""

import random
from dataclasses import replace

from bistro_tui.engine.config.model import Config, Job, NodeOrder, PolicyName
from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.nodes.tree import Node, NodeTree
from tests.engine.scheduling.builders import limits, make_config, make_job
from tests.engine.scheduling.random_worlds import JOBS

LEVELS = tuple(LevelName(name) for name in ("instance", "l1", "l2", "l3", "l4"))
RESOURCES = {"instance": "r0", "l1": "r1", "l2": "r2", "l3": "r3", "l4": "r4"}
MOST_NODES = 26


def deep_tree(rng: random.Random, depth: int) -> NodeTree:
    """A tree of that many levels below the instance, grown level by level or not."""
    nodes = [Node(name=NodeName("top"), level=LEVELS[0], parent=-1)]
    may_repeat, depth_first = rng.random() < 0.6, rng.random() < 0.4
    used: set[str] = set()

    def grow(parent: int, level: int) -> list[int]:
        made = []
        for _ in range(rng.choice((1, 2, 3) if level == 1 else (0, 1, 1, 2, 2, 3))):
            name = f"n{level}.{rng.randrange(12)}"
            if len(nodes) > MOST_NODES or (name in used and not may_repeat):
                continue
            used.add(name)
            enabled = rng.random() < 0.95
            nodes.append(
                Node(
                    name=NodeName(name),
                    level=LEVELS[level],
                    parent=parent,
                    enabled=enabled,
                )
            )
            made.append(len(nodes) - 1)
            if depth_first and level < depth:
                grow(len(nodes) - 1, level + 1)
        return made

    row = [0]
    for level in range(1, 2 if depth_first else depth + 1):
        row = [node for parent in row for node in grow(parent, level)]
    return NodeTree(nodes)


def deep_config(rng: random.Random, depth: int, lowest_need: int) -> Config:
    """Jobs on several levels, under limits on any subset of the levels."""
    found: dict[str, dict[str, int]] = {}
    for level in LEVELS[: depth + 1]:
        if rng.random() < 0.55:
            amounts = (2, 3, 4, 6) if level == "instance" else (0, 1, 1, 1, 2, 2, 3)
            found[level] = {RESOURCES[level]: rng.choice(amounts)}
    if rng.random() < 0.4:
        found["worker"] = {"ram": rng.choice((2, 3, 5)), "cpu": rng.choice((2, 4))}
    config = make_config(
        *(_job(rng, name, depth, lowest_need) for name in JOBS),
        resources=limits(**found),
        policy=rng.choice(list(PolicyName)),
        order=rng.choice(list(NodeOrder)),
    )
    levels = (*LEVELS[: depth + 1], LevelName("worker"))
    settings = replace(config.settings, levels=levels, level_for_tasks=levels[depth])
    return replace(config, settings=settings)


def _job(rng: random.Random, name: str, depth: int, lowest_need: int) -> Job:
    names = (*RESOURCES.values(), "ram", "cpu")
    return make_job(
        name,
        level=rng.choice(
            (*LEVELS[: depth + 1], LEVELS[depth], LEVELS[depth], "worker")
        ),
        needs={r: rng.randint(lowest_need, 2) for r in names if rng.random() < 0.25},
        depends_on=[job for job in JOBS[: JOBS.index(name)] if rng.random() < 0.15],
        enabled=rng.random() < 0.95,
        priority=rng.choice((-1.0, 0.0, 0.5, 1.0, 7.0)),
    )
