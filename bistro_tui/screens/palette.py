"""What the command palette offers: every action, and all that has a name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from bistro_tui.engine.view import JobName, NodeName, Snapshot
from bistro_tui.present.clean import clean_name
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing, WorkerThing
from bistro_tui.present.workers import has_remote
from bistro_tui.screens.act_keys import ActKeys
from bistro_tui.widgets.keys import KeyHelp, live_keys

MOST = 40
"""So many names of one kind are offered: nobody reads more."""

_TURN = 2_000
"""So many names are looked at before the screen gets its turn again."""

_NOT_OFFERED = ("cursor.", "text.", "app.no_quit", "app.palette")


class _Offering(Provider):
    @property
    def main(self) -> ActKeys | None:
        """The main screen, which may lie below others."""
        screens = reversed(self.app.screen_stack)
        return next((one for one in screens if isinstance(one, ActKeys)), None)

    def hit(
        self, query: str, text: str, told: str, run: Callable[[], object]
    ) -> Hit | None:
        """Return an offer if the query fits; all text in it is safe, none is markup."""
        matcher = self.matcher(query)
        score, places = matcher.fuzzy_search.match(query, text)
        if not score:
            return None
        shown = Content(text)
        for place in places:
            shown = shown.stylize(matcher.match_style, place, place + 1)
        return Hit(score, _with(shown, told), run, text=text)


def _with(shown: Content, told: str) -> Content:
    return Content("\n").join([shown, Content(told).stylize("dim")]) if told else shown


class Actions(_Offering):
    """Every action by its words, with its keys; every theme."""

    async def discover(self) -> Hits:
        """Offer all actions."""
        for text, told, run in sorted(self._all(), key=lambda one: one[0]):
            yield DiscoveryHit(_with(Content(text), told), run, text=text)

    async def search(self, query: str) -> Hits:
        """Offer the actions that fit."""
        for text, told, run in (*self._all(), *self._themes()):
            if (hit := self.hit(query, text, told, run)) is not None:
                yield hit

    def _all(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        main = self.main
        if main is None:
            return
        nodes = (main, main.page, *main.page.panes, self.app)
        for key in live_keys(nodes, self.app):
            if not key.id.startswith(_NOT_OFFERED):
                told = f"key: {' or '.join(key.keys)}"
                yield key.text, told, partial(self._run, key)

    async def _run(self, key: KeyHelp) -> None:
        await self.app.run_action(key.action, key.node)

    def _themes(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        for name in sorted(self.app.available_themes):
            yield f"Theme: {clean_name(name)}", "", partial(self._set_theme, name)

    def _set_theme(self, name: str) -> None:
        self.app.theme = name


class Names(_Offering):
    """Jobs, nodes, running tasks and workers by name; choosing one goes there."""

    async def search(self, query: str) -> Hits:
        """Offer the names that fit, the best of each kind."""
        main = self.main
        if main is None:
            return
        shown = main.standing.snapshot
        for kind, key, names, thing in _kinds(shown):
            async for name in fitting(kind, names, query):
                text = f"{kind} {clean_name(name)}"
                run = partial(main.standing.go, key, thing(name))
                if (hit := self.hit(query, text, "", run)) is not None:
                    yield hit


def _kinds(
    shown: Snapshot,
) -> Iterable[tuple[str, str, Sequence[str], Callable[[str], Thing]]]:
    rows = {str(row.task): row for row in shown.running}

    def task(name: str) -> Thing:
        return TaskThing(task=rows[name].task, invocation=rows[name].invocation)

    jobs = [row.name for row in shown.jobs]
    nodes = [row.name for row in shown.nodes]
    # Where there are none elsewhere, there is no page of them.
    workers = [row.shard for row in shown.workers] if has_remote(shown) else []
    return (
        ("job", "2", jobs, lambda name: JobThing(name=JobName(name))),
        ("task", "5", list(rows), task),
        ("node", "3", nodes, lambda name: NodeThing(name=NodeName(name))),
        ("worker", "0", workers, lambda name: WorkerThing(shard=NodeName(name))),
    )


async def fitting(kind: str, names: Sequence[str], query: str) -> AsyncIterator[str]:
    """Yield at most ``MOST`` names that fit: with the words in them, then the letters.

    The query may begin with the kind: ``node db7``.
    """
    folded = query.lower().removeprefix(f"{kind} ")
    words = folded.split()
    letters = "".join(words)
    found: set[str] = set()
    for test in (partial(_has_words, words), partial(_has_letters, letters)):
        for start in range(0, len(names), _TURN):
            for name in names[start : start + _TURN]:
                if name not in found and test(name.lower()):
                    found.add(name)
                    yield name
                    if len(found) == MOST:
                        return
            await asyncio.sleep(0)


def _has_words(words: Sequence[str], name: str) -> bool:
    return all(word in name for word in words)


def _has_letters(letters: str, name: str) -> bool:
    """Return whether all letters stand in the name, in this order."""
    at = -1
    for letter in letters:
        at = name.find(letter, at + 1)
        if at < 0:
            return False
    return True
