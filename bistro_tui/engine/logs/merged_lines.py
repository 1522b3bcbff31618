"""The lines of this host and of workers, as those of one store.

Source: Bistro, runners/RemoteWorkerRunner (querying logs).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.asking_peers import page_in, question_of, tail_in
from bistro_tui.engine.logs.last_words import LastWords
from bistro_tui.engine.logs.lines import Lines
from bistro_tui.engine.logs.merging import Part, is_of_one, merged
from bistro_tui.engine.logs.peers import LogPeer, PeerAway
from bistro_tui.engine.logs.places import (
    OWN,
    Begin,
    Place,
    Places,
    source_number,
)
from bistro_tui.engine.logs.positions import Positions, Read
from bistro_tui.engine.logs.query import (
    LAST_ID,
    PAGE_LINES,
    THE_END,
    LogQuery,
    QueryPage,
)
from bistro_tui.engine.logs.remote_words import last_words_on, words_of_who_is_away
from bistro_tui.engine.logs.rows import LogTail
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.remote.messages import ReadLog

T = TypeVar("T")

ANSWER_SEC = 2.0
"""How long a worker may take before the others are shown without it."""
REST_SEC = 5.0
"""How long the newest lines of one that took longer are not waited for."""
SILENT_SEC = 1.0
"""How long one is not asked for newest lines that told of none."""
LINES_OF_ALL = 5_000
LEAST_OF_ONE = 100
"""Lines that one worker is asked for, however many others there are."""
_POSITIONS = 512
_AT_ONCE = 20
"""Questions about last words that one worker has at once."""

_NOT_YET = "\0"
"""Among positions: where those begin that were not there before; no worker's name."""

_NOTHING = QueryPage(lines=(), next_line_id=THE_END, last_id=0)


class MergedLines:
    """Asks the own store and every worker that can be asked; ``Lines``."""

    def __init__(
        self,
        own: Lines,
        peers: Callable[[], Sequence[LogPeer]],
        *,
        clock: Clock,
        workers_of: Callable[[TaskId], Awaitable[Iterable[str]]],
        own_shard: str,
        has_own_tasks: bool,
    ) -> None:
        """``workers_of`` returns where attempts at a task run or ran.

        ``own_shard``: the worker whose lines are in the own store; ``has_own_tasks``
        tells whether tasks run there now.
        """
        self._own = own
        self._peers = peers
        self._clock = clock
        self._workers_of = workers_of
        self._own_shard = own_shard
        self._has_own_tasks = has_own_tasks
        self._places = Places(int(clock.now().wall))
        self._positions = Positions(_POSITIONS)
        self._rests: dict[str, tuple[float, str]] = {}
        """Until when each is not waited for that did not answer, and why it did not."""
        self._asked_at: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        """The greatest id that each worker is known to have."""

    def refusal(self) -> str:
        """Return why nothing can be said of the lines of tasks; empty: it can."""
        peers = self._peers()
        if self._has_own_tasks or any(peer.is_queryable for peer in peers):
            return ""
        if not peers:
            return "No workers connected; cannot query logs."
        return (
            "All workers are unhealthy; cannot query logs. Known workers:"
            f" {_away_words(peers)}"
        )

    # Pages.

    async def page(
        self,
        asked: LogQuery,
        *,
        attempt: InvocationId | None = None,
        is_running: bool = False,
    ) -> QueryPage:
        """Return the next page of an answer, within 2 s.

        In the order of (line id, worker): no line comes twice, none is left out of a
        worker that answers each time, whoever else joins or leaves meanwhile.
        """
        peers, ascending = self._peers(), asked.ascending
        if not peers and (asked.line_id is None or asked.line_id <= LAST_ID):
            return await self._own.page(asked, attempt=attempt, is_running=is_running)
        begin = self._places.begin(asked.line_id)
        queryable = [peer for peer in peers if peer.is_queryable]
        each = _lines_of_one(queryable)
        limit = min(asked.limit, PAGE_LINES)

        def part_of(source: str, most: int) -> LogQuery | None:
            first = begin.of(source, ascending=ascending)
            if first is not None and not 0 <= first <= LAST_ID:
                return None
            return replace(asked, line_id=first, limit=min(limit, most))

        async def own_page() -> QueryPage:
            query = part_of(OWN, limit)
            if query is None:
                return _NOTHING
            return await self._own.page(query, attempt=attempt, is_running=is_running)

        async def page_of(peer: LogPeer) -> QueryPage:
            query = part_of(peer.shard, each)
            if query is None or not self._may_have(peer, query, begin):
                return _NOTHING
            page = page_in(await peer.query(question_of(query, attempt)), query)
            self._has_seen(peer.shard, page.last_id)
            return page

        own, answers = await asyncio.gather(own_page(), _of_each(queryable, page_of))
        pages = {
            OWN: own,
            **{
                shard: answer
                for shard, answer in answers.items()
                if isinstance(answer, QueryPage)
            },
        }
        failed = {
            shard: answer
            for shard, answer in answers.items()
            if isinstance(answer, _NoAnswer)
        }
        return replace(
            self._merged(pages, begin, ascending=ascending, limit=limit),
            unasked=_unasked(peers, failed),
        )

    def _merged(
        self,
        pages: Mapping[str, QueryPage],
        begin: Begin,
        *,
        ascending: bool,
        limit: int,
    ) -> QueryPage:
        parts = [
            Part(source_number(source), page.lines, page.next_line_id)
            for source, page in pages.items()
        ]
        page = merged(parts, ascending=ascending, limit=limit)
        before = begin.positions if ascending else None
        if page.next is None:
            next_line_id = THE_END
        elif before is None and is_of_one(parts):
            next_line_id = page.next.line_id
        else:
            next_line_id = self._places.number(page.next, before)
        read = dict(before or {})
        for source, one in pages.items():
            read[source] = max(one.last_id, read.get(source, 0))
        # Who is away now and comes back has nothing to tell of before this question.
        passed = begin.place.line_id - 1 if ascending and begin.place else 0
        last_id = self._places.number(
            Place(max(passed, *read.values())), read, is_only_what_is_new=True
        )
        return QueryPage(lines=page.lines, next_line_id=next_line_id, last_id=last_id)

    def _may_have(self, peer: LogPeer, query: LogQuery, begin: Begin) -> bool:
        """Whether to ask who follows what is new, or may know that there is nothing."""
        if not begin.is_only_what_is_new or not query.ascending:
            return True
        return self._is_due(peer, query.lowest - 1)

    # The newest lines.

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        """Return up to ``limit`` newest output lines, in the order they came here.

        Their ids grow and are above ``after``: where a worker's clock is behind, they
        are not those that it has stored them with.
        """
        before = self._positions.at(after, task)
        those = await self._peers_of(task)
        peers = [peer for peer in those if peer.is_queryable]
        if not peers and before is None:
            tail = await self._own.tail(task, after=after, limit=limit)
            return replace(tail, unasked=self._unread(those, task))
        known: Mapping[str, int] = before or {_NOT_YET: after}
        # Of who comes later all lines of a task are news since its first look, while of
        # all tasks only new ones are.
        joined = after if task is None else known.get(_NOT_YET, after)
        # Who follows is told all that came; of the past a part of each will do.
        most = limit if before is not None else min(limit, _lines_of_one(peers))

        async def read(peer: LogPeer) -> LogTail:
            position = known.get(peer.shard, joined)
            if task is None and not self._is_due(peer, position):
                return LogTail(lines=(), last_id=position)
            question = ReadLog(task=task, after=position, limit=most)
            found = tail_in(await peer.read(question), position)
            self._has_seen(peer.shard, found.last_id)
            return found

        own, answers = await asyncio.gather(
            self._own.tail(task, after=known.get(OWN, joined), limit=limit),
            self._of_awake(peers, read),
        )
        tails = {OWN: own, **answers}
        lines, last_id = self._positions.merged(
            {source: Read(tail.lines, tail.last_id) for source, tail in tails.items()},
            before=known,
            after=after,
            limit=limit,
            whose=task,
        )
        partial: dict[Stream, bytes] = {}
        for tail in tails.values():
            partial.update(tail.partial)
        return LogTail(
            lines=lines,
            last_id=last_id,
            partial=partial,
            unasked=self._unread(those, task),
        )

    def _unread(self, peers: Sequence[LogPeer], task: TaskId | None) -> tuple[str, ...]:
        """Return who of these is not heard now, and why."""
        now, failed = self._clock.now().elapsed, dict[str, str]()
        for peer in peers:
            until, why = self._rests.get(peer.shard, (0.0, ""))
            if peer.is_queryable and until > now:
                failed[peer.shard] = why
        # Of all tasks together, nothing new is awaited of a lost worker.
        told = [peer for peer in peers if task is not None or not peer.is_lost]
        return _unasked(told, failed)

    async def _peers_of(self, task: TaskId | None) -> Sequence[LogPeer]:
        """Return who may have lines: where its attempts ran; all if nobody knows."""
        peers = self._peers()
        if task is None or not peers:
            return peers
        shards = frozenset(await self._workers_of(task))
        return [peer for peer in peers if peer.shard in shards] if shards else peers

    async def _of_awake(
        self, peers: Sequence[LogPeer], ask: Callable[[LogPeer], Awaitable[T]]
    ) -> dict[str, T]:
        """Return the answers of those that answer; who did not is not asked soon."""
        now, rests = self._clock.now().elapsed, self._rests
        awake = [peer for peer in peers if rests.get(peer.shard, (0.0, ""))[0] <= now]
        found: dict[str, T] = {}
        for shard, answer in (await _of_each(awake, ask)).items():
            if isinstance(answer, _NoAnswer):
                rests[shard] = (self._clock.now().elapsed + REST_SEC, answer)
            else:
                found[shard] = answer
        return found

    def _is_due(self, peer: LogPeer, position: int) -> bool:
        """Whether it may have lines above; asked often, a worker that is silent rests.

        Whoever tells of new lines without being asked may be lost on the way.
        """
        if max(peer.newest_id, self._seen.get(peer.shard, 0)) > position:
            return True
        now = self._clock.now().elapsed
        return now - self._asked_at.get(peer.shard, -SILENT_SEC) >= SILENT_SEC

    def _has_seen(self, shard: str, last_id: int) -> None:
        self._seen[shard] = max(last_id, self._seen.get(shard, 0))
        self._asked_at[shard] = self._clock.now().elapsed

    # The last of failures.

    async def last_words(self, tasks: Sequence[TaskId]) -> list[LastWords]:
        """Return how the last attempt at each ended, and the last that it said.

        Of one whose worker cannot be asked, that is said in place of its last line.
        """
        found = await self._own.last_words(tasks)
        wanted: dict[str, list[int]] = {}
        for number, words in enumerate(found):
            if words.worker not in ("", self._own_shard) and not words.line:
                wanted.setdefault(words.worker, []).append(number)
                found[number] = words_of_who_is_away(words)

        async def ask(peer: LogPeer) -> None:
            numbers = wanted[peer.shard]
            for at in range(0, len(numbers), _AT_ONCE):
                some = numbers[at : at + _AT_ONCE]
                said = await asyncio.gather(
                    *(last_words_on(peer, tasks[one], found[one]) for one in some)
                )
                for number, words in zip(some, said, strict=True):
                    found[number] = words

        peers = [peer for peer in self._peers() if peer.is_queryable]
        await self._of_awake([peer for peer in peers if peer.shard in wanted], ask)
        return found


def _unasked(peers: Iterable[LogPeer], failed: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is said of those whose lines are missing."""
    away = _away_words(peers)
    return (
        *([f"Some workers cannot be asked for logs: {away}"] if away else ()),
        *_failed_words(failed),
    )


def _failed_words(failed: Mapping[str, str]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for shard, reason in failed.items():
        by_reason.setdefault(reason, []).append(shard)
    for reason, shards in by_reason.items():
        noun = "worker" if len(shards) == 1 else "workers"
        yield f"Failed to fetch logs from {noun} {', '.join(shards)}: {reason}"


def _away_words(peers: Iterable[LogPeer]) -> str:
    away = [peer for peer in peers if not peer.is_queryable]
    parts = []
    for word, are_lost in (("unhealthy", False), ("lost", True)):
        shards = [peer.shard for peer in away if peer.is_lost == are_lost]
        if shards:
            parts.append(f"{word}: {', '.join(sorted(shards))}")
    return "; ".join(parts)


class _NoAnswer(str):
    """Why a worker did not answer."""


def _lines_of_one(peers: Sequence[LogPeer]) -> int:
    return max(LINES_OF_ALL // max(1, len(peers)), LEAST_OF_ONE)


async def _of_each(
    peers: Sequence[LogPeer], ask: Callable[[LogPeer], Awaitable[T]]
) -> dict[str, T | _NoAnswer]:
    """Return what each answered in time, or why it did not."""

    async def one(peer: LogPeer) -> T | _NoAnswer:
        try:
            async with asyncio.timeout(ANSWER_SEC):
                return await ask(peer)
        except TimeoutError:
            return _NoAnswer(f"no answer within {ANSWER_SEC:g} s")
        except PeerAway as error:
            return _NoAnswer(error)

    answers = await asyncio.gather(*map(one, peers))
    return {peer.shard: answer for peer, answer in zip(peers, answers, strict=True)}
