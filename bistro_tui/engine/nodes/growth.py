"""From the sources and their answers to the tree, beginning where something changed.

Sources come in order, and each sees the nodes of those before it. So the nodes of the
first sources are as they were, up to the first one that is another, has another answer
or depends on a time that has come.
"""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from bistro_tui.engine.config.model import (
    AddTimePrefs,
    EmptyPrefs,
    ManualPrefs,
    NodeSourceSpec,
    RangeLabelPrefs,
)
from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.nodes.answers import Answer
from bistro_tui.engine.nodes.sources.add_time import Windows, add_time
from bistro_tui.engine.nodes.sources.empty import add_empty
from bistro_tui.engine.nodes.sources.growing import GrowingTree
from bistro_tui.engine.nodes.sources.manual import add_manual
from bistro_tui.engine.nodes.sources.range_label import add_range_label
from bistro_tui.engine.nodes.tree import Node, NodeTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One source and the nodes that it made: from ``start`` to before ``end``."""

    key: Hashable
    """What the source is known by from one tree to the next."""
    spec: NodeSourceSpec
    answer: Answer | None
    """None: nobody is asked, or it has not answered yet."""
    start: int
    end: int
    changes_at: int | None
    """The wall second from which the nodes are others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A tree and how it came to be."""

    tree: NodeTree
    steps: tuple[Step, ...] = ()
    now: int
    """The wall second that it was grown at."""

    @property
    def changes_at(self) -> int | None:
        """The next second at which time alone makes it another tree."""
        times = [step.changes_at for step in self.steps if step.changes_at is not None]
        # A time that is over is that of a source which was not asked again yet.
        return min((time for time in times if time > self.now), default=None)


class Growth:
    """A tree under way: one ``take`` a source, in order, then ``finish``."""

    def __init__(
        self,
        instance: NodeName,
        levels: tuple[LevelName, ...],
        *,
        last: Grown | None,
        keys: Sequence[Hashable],
        now: int,
        windows: Windows,
    ) -> None:
        """Take the tree before this one, and what its sources will be known by."""
        self.levels = levels
        self._last, self._now, self._windows = last, now, windows
        self._steps: list[Step] = []
        self._tree: GrowingTree | None = None
        self._may_reuse = last is not None and last.tree.level_names == levels
        self._heirs = _Heirs(last, keys)
        if not self._may_reuse:
            self._tree = GrowingTree(instance, levels)

    def names_at(self, level: LevelName) -> list[NodeName]:
        """Return the names of the nodes of a level so far, in fetch order."""
        if self._tree is not None:
            return self._tree.names_at(level)
        tree = self._last_tree()
        found = tree.at_level(level)
        return [tree.names[i] for i in found[: bisect_left(found, self._length())]]

    def take(self, key: Hashable, spec: NodeSourceSpec, answer: Answer | None) -> None:
        """Append the nodes of the next source; may take seconds, for millions.

        Raises NodeSourceError for nodes that no tree can have.
        """
        step = self._as_before(key, spec, answer)
        if step is None:
            tree = self._writable()
            start = len(tree)
            changes_at = self._add(key, spec, answer, tree)
            step = Step(
                key=key,
                spec=spec,
                answer=answer,
                start=start,
                end=len(tree),
                changes_at=changes_at,
            )
        self._steps.append(step)

    def finish(self) -> Grown:
        """Return the whole; the very tree of before, if nothing changed.

        Raises NodeSourceError if a name is on two levels.
        """
        tree = self._last_tree() if self._tree is None else self._tree.finished()
        if self._tree is None and len(tree) != self._length():
            tree = self._writable().finished()
        elif self._last is not None and tree == self._last.tree:
            tree = self._last.tree
        return Grown(tree=tree, steps=tuple(self._steps), now=self._now)

    def _last_tree(self) -> NodeTree:
        return NodeTree() if self._last is None else self._last.tree

    def _length(self) -> int:
        return self._steps[-1].end if self._steps else 1

    def _writable(self) -> GrowingTree:
        if self._tree is None:
            last = self._last_tree()
            self._tree = GrowingTree.beginning_of(last, self._length())
        return self._tree

    def _as_before(
        self, key: Hashable, spec: NodeSourceSpec, answer: Answer | None
    ) -> Step | None:
        if self._tree is not None or self._last is None:
            return None
        if len(self._steps) >= len(self._last.steps):
            return None
        step = self._last.steps[len(self._steps)]
        is_due = step.changes_at is not None and not (
            self._last.now <= self._now < step.changes_at
        )
        same = (step.key, step.spec, step.answer) == (key, spec, answer)
        return step if same and not is_due else None

    def _add(
        self,
        key: Hashable,
        spec: NodeSourceSpec,
        answer: Answer | None,
        tree: GrowingTree,
    ) -> int | None:
        match spec.prefs:
            case ManualPrefs():
                add_manual(spec.prefs, tree)
            case RangeLabelPrefs():
                add_range_label(spec.prefs, tree)
            case EmptyPrefs():
                add_empty(spec.prefs, tree)
            case AddTimePrefs():
                return add_time(spec.prefs, tree, self._now, self._windows)
            case _ if answer is not None:
                return answer.add_to(tree)
            case _:
                self._heirs.add_stand_ins(key, spec, tree)
        return None


class _Heirs:
    """Nodes for a source that was not asked yet: those whose place it takes.

    An edit of the config counts at once, but a new script answers later. Until then
    the nodes that it may be about to name again stay, and with them their tasks: they
    are those that removed sources had made for the same parents, and its own.
    """

    def __init__(self, last: Grown | None, keys: Sequence[Hashable]) -> None:
        self._tree = NodeTree() if last is None else last.tree
        steps = () if last is None else last.steps
        self._own = {step.key: step for step in steps if step.key in keys}
        self._left = [step for step in steps if step.key not in keys]
        self._claimed: set[tuple[Hashable, LevelName]] = set()

    def add_stand_ins(
        self, key: Hashable, spec: NodeSourceSpec, tree: GrowingTree
    ) -> None:
        """Append what stays for that source; nodes of a removed one have one heir."""
        level: LevelName | None = getattr(spec.prefs, "parent_level", None)
        for each in tree.levels if level is None else (level,):
            children = self._claim(key, each)
            for parent in tree.at_level(each) if children else ():
                for child in children.get(tree.name(parent), ()):
                    tree.add(parent, child.name, enabled=child.enabled, tags=child.tags)

    def _claim(self, key: Hashable, level: LevelName) -> dict[NodeName, list[Node]]:
        """Return the children that nodes of that level had, by the parent's name."""
        own = [self._own[key]] if key in self._own else []
        found: dict[NodeName, list[Node]] = {}
        first: dict[NodeName, int] = {}  # replicas of a parent have the same children
        for step in (*own, *self._left):
            if (step.key, level) in self._claimed:
                continue
            self._claimed.add((step.key, level))
            for node in map(self._tree.node, range(step.start, step.end)):
                parent = self._tree.node(node.parent)
                is_wanted = parent.level == level
                if (
                    is_wanted
                    and first.setdefault(parent.name, node.parent) == node.parent
                ):
                    found.setdefault(parent.name, []).append(node)
        return found
