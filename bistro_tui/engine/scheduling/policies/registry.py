"""The policies by the name that a config gives them."""

from collections.abc import Mapping

from bistro_tui.engine.config.model import PolicyName
from bistro_tui.engine.scheduling.policies.long_tail import LongTail
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.policies.randomized_priority import RandomizedPriority
from bistro_tui.engine.scheduling.policies.ranked_priority import RankedPriority
from bistro_tui.engine.scheduling.policies.roundrobin import RoundRobin

POLICIES: Mapping[PolicyName, Policy] = {
    PolicyName.ROUNDROBIN: RoundRobin(),
    PolicyName.RANKED_PRIORITY: RankedPriority(),
    PolicyName.RANDOMIZED_PRIORITY: RandomizedPriority(),
    PolicyName.LONG_TAIL: LongTail(),
}
