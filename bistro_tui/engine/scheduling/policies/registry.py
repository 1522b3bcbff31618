"""The policies that come with the program, by the name that a config gives them."""

import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

from bistro_tui.engine.scheduling.policies.long_tail import LongTail
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.policies.randomized_priority import RandomizedPriority
from bistro_tui.engine.scheduling.policies.ranked_priority import RankedPriority
from bistro_tui.engine.scheduling.policies.roundrobin import RoundRobin

PolicyFactory: TypeAlias = Callable[[random.Random], Policy]
"""Makes a policy that draws from the given source of chance."""

BUILT_IN: Mapping[str, PolicyFactory] = {
    "roundrobin": RoundRobin,
    "ranked_priority": RankedPriority,
    "randomized_priority": RandomizedPriority,
    "long_tail": LongTail,
}


def built_in(name: str) -> PolicyFactory:
    """Return the built-in policy of that name; KeyError for another name."""
    return BUILT_IN[name]
