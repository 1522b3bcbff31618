"""From the settings to one node tree, whatever a source does.

Source: Bistro, nodes/NodesLoader; there, one failing source takes all nodes away.
"""

import asyncio
import enum
import functools
import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import (
    AddTimePrefs,
    NodeSourceSpec,
    PluggedPrefs,
    ScriptPrefs,
    Settings,
)
from bistro_tui.engine.cron.zone import Zone
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.nodes.answers import Answer, usable_levels
from bistro_tui.engine.nodes.asking import (
    PluginQuestion,
    Question,
    ScriptQuestion,
)
from bistro_tui.engine.nodes.growth import Grown, Growth
from bistro_tui.engine.nodes.sources.add_time import Windows
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.script import run_script
from bistro_tui.engine.nodes.sources.source import (
    FoundNodes,
    NodeSource,
    Surroundings,
)
from bistro_tui.engine.nodes.tree import NodeTree

_Asked: TypeAlias = ScriptPrefs | PluggedPrefs
"""All other prefs say by themselves, or with the time, what the nodes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesResult:
    """The nodes to use from now on, and which sources failed."""

    tree: NodeTree
    errors: tuple[str, ...] = ()
    """For people, one a failed source; its last good nodes are in the tree."""
    is_refused: bool = False
    """The nodes as a whole cannot be: the tree is the last good one, or empty."""
    is_complete: bool = True
    """False: a source has something to say that it was not asked yet."""
    grown_at: int = 0
    """The wall second that the nodes are of."""
    changes_at: int | None = None
    """The next wall second at which time alone makes them others; None: they do not
    depend on the time."""

    def is_of(self, now: float) -> bool:
        """Return whether these are the nodes of that wall second."""
        return self.changes_at is None or self.grown_at <= now < self.changes_at


class _Ask(enum.Enum):
    EVERYTHING = enum.auto()
    WHAT_IS_MISSING = enum.auto()
    NOTHING = enum.auto()


class NodesLoader:
    """Asks the node sources, and remembers the last good nodes of each."""

    def __init__(
        self,
        *,
        instance_name: NodeName,
        config_dir: Path,
        clock: Clock,
        zone: Zone,
        rng: random.Random,
        find_source: Callable[[str], NodeSource],
    ) -> None:
        """Take the name of the root, and the directory that scripts are relative to.

        ``find_source`` gives the plug-in for a source that is not built in; finding and
        fetching raise nothing but PluginError.
        """
        self._instance_name = instance_name
        # A program is looked for after changing to it, so a relative path would miss.
        self._config_dir = config_dir.absolute()
        self._clock, self._zone, self._rng = clock, zone, rng
        self._find_source = find_source
        self._windows = Windows(zone)
        self._answers: dict[Hashable, Answer] = {}
        self._last: Grown | None = None
        self._asking = asyncio.Lock()

    async def load(self, settings: Settings) -> NodesResult:
        """Return the nodes of all sources, in order; never raises for a bad source.

        A script that fails leaves the nodes that it gave last, or none. A name on two
        levels leaves the whole last tree. Whatever asks waits for each other.
        """
        return await self._ask(settings, _Ask.EVERYTHING)

    async def complete(self, settings: Settings) -> NodesResult:
        """Return the same, asking only for parents that were not asked for yet."""
        return await self._ask(settings, _Ask.WHAT_IS_MISSING)

    async def known(self, settings: Settings) -> NodesResult:
        """Return what can be said now without asking anybody, also while others ask."""
        return await self._load(settings, _Ask.NOTHING)

    async def _ask(self, settings: Settings, ask: _Ask) -> NodesResult:
        async with self._asking:
            result = await self._load(settings, ask)
            if result.is_of(self._now()):
                return result
            # While others answered, the time of some nodes came or was over.
            return await self._load(settings, _Ask.NOTHING)

    async def _load(self, settings: Settings, ask: _Ask) -> NodesResult:
        answers: dict[Hashable, Answer] = {}
        before = self._last
        try:
            grown, is_complete = await self._grow_somehow(settings, ask, answers)
        except NodeSourceError as error:
            if ask is not _Ask.NOTHING:
                self._answers |= answers
            return self._last_good(settings, (*_errors(answers), str(error)))
        if ask is not _Ask.NOTHING:
            self._answers = answers
        if ask is not _Ask.NOTHING or self._last is before:
            # Else somebody has answered meanwhile, which this does not know of.
            self._last = grown
        return NodesResult(
            tree=grown.tree,
            errors=_errors(answers),
            is_complete=is_complete,
            grown_at=grown.now,
            changes_at=grown.changes_at,
        )

    def _last_good(self, settings: Settings, errors: tuple[str, ...]) -> NodesResult:
        # Of other levels the old nodes would be on no level at all.
        last = self._last
        if last is None or settings.levels != last.tree.level_names:
            tree = NodeTree.of_instance(self._instance_name)
        else:
            tree = last.tree
        return NodesResult(
            tree=tree, errors=errors, is_refused=True, grown_at=self._now()
        )

    def _now(self) -> int:
        return int(self._clock.now().wall // 1)

    async def _grow_somehow(
        self, settings: Settings, ask: _Ask, answers: dict[Hashable, Answer]
    ) -> tuple[Grown, bool]:
        try:
            return await self._grow(settings, ask, answers, self._last)
        except NodeSourceError:
            if ask is not _Ask.NOTHING:
                raise
            # It may be nodes that stood in for an answer still to come.
            return await self._grow(settings, ask, answers, None)

    async def _grow(
        self,
        settings: Settings,
        ask: _Ask,
        answers: dict[Hashable, Answer],
        last: Grown | None,
    ) -> tuple[Grown, bool]:
        specs = settings.node_sources
        keys = _keys(specs)
        windows = self._windows.copy(
            spec.prefs.schedule
            for spec in specs
            if isinstance(spec.prefs, AddTimePrefs)
        )
        growth = Growth(
            self._instance_name,
            settings.levels,
            last=last,
            keys=keys,
            now=self._now(),
            windows=windows,
        )
        is_complete = True
        for key, spec in zip(keys, specs, strict=True):
            answer: Answer | None = None
            if isinstance(spec.prefs, _Asked):
                answer = self._answers.get(key)
                question = self._question(spec.source, spec.prefs, growth, answer)
                anew = ask is _Ask.EVERYTHING
                if anew or (question.is_open and ask is _Ask.WHAT_IS_MISSING):
                    answer = await question.ask(anew=anew)
                elif question.is_open:
                    is_complete = False
                if answer is not None:
                    answers[key] = answer
            # A million nodes take a second, and the loop must not wait for them.
            await asyncio.to_thread(growth.take, key, spec, answer)
        grown = await asyncio.to_thread(growth.finish)
        self._windows = windows
        return grown, is_complete

    def _question(
        self, source: str, prefs: _Asked, growth: Growth, last: Answer | None
    ) -> Question:
        if isinstance(prefs, ScriptPrefs):
            run = functools.partial(
                run_script, prefs, config_dir=self._config_dir, clock=self._clock
            )
            parents = growth.names_at(prefs.parent_level)
            return ScriptQuestion(prefs, parents, last, run)
        levels = usable_levels(growth.levels)
        around = Surroundings(
            levels=levels,
            nodes={level: growth.names_at(level) for level in levels},
            config_dir=self._config_dir,
            now=self._clock.now().wall,
            rng=self._rng,
            zone=self._zone,
        )

        async def fetch(around: Surroundings) -> FoundNodes:
            return await self._find_source(source).fetch(prefs.value, around)

        return PluginQuestion(around, last, fetch)


def _keys(specs: Sequence[NodeSourceSpec]) -> list[Hashable]:
    """Return what each source is remembered by; the same one twice is two sources."""
    found: list[Hashable] = []
    copies: Counter[Hashable] = Counter()
    for spec in specs:
        prefs = spec.prefs
        level = getattr(prefs, "parent_level", None)
        script = prefs.script if isinstance(prefs, ScriptPrefs) else None
        key = (spec.source, level, script)
        found.append((*key, copies[key]))
        copies[key] += 1
    return found


def _errors(answers: Mapping[Hashable, Answer]) -> tuple[str, ...]:
    return tuple(answer.error for answer in answers.values() if answer.error)
