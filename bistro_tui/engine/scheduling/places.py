"""The node tree as the scheduler looks at it: numbers instead of names."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import NodeTree

TOP = -1
"""Stands above the instance node, as its parent does in the tree. The account of the
local worker has the same number: like TOP, it concerns everything of a job."""


class Place(NamedTuple):
    """What has one resource account: a node name of a level; replicas share it."""

    level: LevelName
    node: NodeName


LOCAL_WORKER = Place(WORKER_LEVEL, NodeName("local"))
"""The one worker of the local runner, which worker-level resources hold for."""


class Slots:
    """The distinct node names of one level, numbered in fetch order.

    A job has one task in each slot of its level.
    """

    __slots__ = ("_by_name", "leaves", "names", "replicas")

    def __init__(self, tree: NodeTree, level: LevelName) -> None:
        names = tree.names
        self.leaves: Sequence[int] = tree.at_level(level)
        """Slot → its first node."""
        self.names: Sequence[NodeName] = [names[index] for index in self.leaves]
        self.replicas: dict[int, tuple[int, ...]] = {}
        """Slot → all its nodes, only where there is more than one."""
        self._by_name: dict[NodeName, int] | None = None
        if len(set(self.names)) < len(self.names):
            self._group_replicas()

    def _group_replicas(self) -> None:
        groups: dict[NodeName, list[int]] = {}
        for name, index in zip(self.names, self.leaves, strict=True):
            groups.setdefault(name, []).append(index)
        self.names = list(groups)
        self.leaves = [indexes[0] for indexes in groups.values()]
        self.replicas = {
            slot: tuple(indexes)
            for slot, indexes in enumerate(groups.values())
            if len(indexes) > 1
        }

    def __len__(self) -> int:
        return len(self.names)

    def find(self, name: NodeName) -> int | None:
        """Return the slot of ``name``, None if the level has no such node."""
        if self._by_name is None:
            # Many runs never ask, and it is the largest thing here.
            self._by_name = dict(zip(self.names, range(len(self.names)), strict=True))
        return self._by_name.get(name)

    def nodes(self, slot: int) -> tuple[int, ...]:
        """Return the nodes of a slot, in fetch order."""
        return self.replicas.get(slot) or (self.leaves[slot],)


class Places:
    """Facts about a tree that every job needs, worked out once per tree."""

    def __init__(self, tree: NodeTree) -> None:
        self.tree = tree
        self.parents: Sequence[int] = tree.parents
        self._slots = {level: Slots(tree, level) for level in tree.levels()}
        self.local: Sequence[int] = self._positions()
        """Node → its position among the nodes of its level, in fetch order."""
        self.slot_at: Sequence[int] = self.local
        """Node → its slot on its level."""
        self.account_at: Sequence[int] | None = None
        """Node → the node that its account is kept under: the first of its replicas.
        None where no two nodes share a name, so that each has its own."""
        if any(slots.replicas for slots in self._slots.values()):
            self._share_accounts()
        self.enabled: Sequence[int] = self._enabled_chains()
        """Node → 1 if it and all its ancestors are enabled, else 0."""
        self.is_all_enabled = 0 not in self.enabled

    def _positions(self) -> Sequence[int]:
        local = array("i", bytes(4 * len(self.tree)))
        for level in self.tree.levels():
            found = self.tree.at_level(level)
            first, last = found[0], found[-1]
            if last - first == len(found) - 1:
                local[first : last + 1] = array("i", range(len(found)))
            else:
                for position, index in enumerate(found):
                    local[index] = position
        return local

    def _share_accounts(self) -> None:
        slot_at = array("i", self.local)
        account_at = array("i", range(len(self.tree)))
        names = self.tree.names
        for level, slots in self._slots.items():
            for index in self.tree.at_level(level):
                slot = slots.find(names[index])
                assert slot is not None
                slot_at[index] = slot
                account_at[index] = slots.leaves[slot]
        self.slot_at, self.account_at = slot_at, account_at

    def _enabled_chains(self) -> Sequence[int]:
        if 0 not in self.tree.enabled:
            return self.tree.enabled
        enabled = bytearray(self.tree.enabled)
        # Parents come before their children.
        for index, parent in enumerate(self.parents):
            if parent >= 0 and not enabled[parent]:
                enabled[index] = 0
        return enabled

    def slots(self, level: LevelName) -> Slots:
        """Return the slots of ``level``; none for a level without nodes."""
        found = self._slots.get(level)
        return found if found is not None else Slots(self.tree, level)

    def account(self, node: int) -> int:
        """Return the number under which the account of ``node`` is kept."""
        return node if self.account_at is None else self.account_at[node]

    def nodes_of(self, place: Place) -> tuple[int, ...]:
        """Return the nodes of ``place``: several replicas, or none if it is gone."""
        slots = self.slots(place.level)
        slot = slots.find(place.node)
        return slots.nodes(slot) if slot is not None else ()

    def twins(self, node: int) -> tuple[int, ...]:
        """Return the nodes that share the account of ``node``, itself among them."""
        if self.account_at is None:
            return (node,)
        return self.slots(self.level(node)).nodes(self.slot_at[node])

    def level(self, node: int) -> LevelName:
        """Return the level of ``node``; TOP stands for the local worker."""
        if node == TOP:
            return WORKER_LEVEL
        return self.tree.level_names[self.tree.levels_of[node]]

    def at(self, node: int) -> Place:
        """Return the place of ``node``; TOP stands for the local worker."""
        if node == TOP:
            return LOCAL_WORKER
        return Place(self.level(node), self.tree.names[node])

    def is_enabled_name(self, name: NodeName) -> bool:
        """Return whether any node of that name, on any level, is not disabled itself.

        Its ancestors do not count.
        """
        return any(
            self.tree.enabled[node]
            for slots in self._slots.values()
            if (slot := slots.find(name)) is not None
            for node in slots.nodes(slot)
        )
