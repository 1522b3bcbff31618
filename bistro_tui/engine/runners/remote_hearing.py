"""Hears what workers say, from their connection to its end."""

import logging

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.remote.bounds import for_people
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.messages import (
    PROTOCOL_VERSION,
    BeatSoon,
    Heartbeat,
    HeartbeatReply,
    LastLines,
    Leaving,
    News,
    Request,
    TaskStarted,
    TaskUsage,
    UpdateStatus,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.runners.outbox import Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptStarted,
    AttemptUsage,
    RunnerTrouble,
)
from bistro_tui.engine.runners.remote_deeds import RemoteDeeds
from bistro_tui.engine.runners.remote_kills import RemoteKills
from bistro_tui.engine.runners.remote_notes import NOT_NOTED, Served
from bistro_tui.engine.runners.remote_peers import RemotePeers
from bistro_tui.engine.runners.remote_statuses import RemoteStatuses
from bistro_tui.engine.runners.remote_tasks import RemoteTasks
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.worker_links import WorkerLinks
from bistro_tui.engine.scheduling.places import LOCAL_WORKER

log = logging.getLogger("bistro_tui")


class RemoteHearing:
    """Believes a worker what concerns itself and its own tasks, and no more."""

    def __init__(
        self,
        pool: Pool,
        links: WorkerLinks,
        *,
        clock: Clock,
        served: Served,
        tasks: RemoteTasks,
        kills: RemoteKills,
        statuses: RemoteStatuses,
        peers: RemotePeers,
        outbox: Outbox,
        voice: RemoteVoice,
        deeds: RemoteDeeds,
    ) -> None:
        """``deeds`` do what the pool wants because of it."""
        self._pool, self._links = pool, links
        self._clock = clock
        self._served = served
        self._tasks = tasks
        self._kills = kills
        self._statuses = statuses
        self._peers = peers
        self._tell = outbox.tell
        self._voice = voice
        self._do = deeds.do
        self._is_closed = False
        self.handlers = Handlers(
            handle=self._handle,
            heard=self._heard,
            on_link=self._on_link,
            on_end=self._on_end,
        )
        """What the workers' door is made with."""

    def close(self) -> None:
        """Take a connection that ends from now on for no news."""
        self._is_closed = True

    def _on_link(self, link: Link) -> None:
        peer = link.peer
        try:
            self._served.let_in()
        except OSError as error:
            log.error("worker %s cannot be let in: %s", peer.shard, error)
            link.end(NOT_NOTED)
            return
        text = f"worker {peer.shard} has connected from {peer.address}"
        self._voice.tell(peer.shard, text)
        self._links.add(link)
        self._do(self._pool.link_up(peer.shard, peer.worker, self._elapsed()))
        self._kills.again(peer.shard)

    def _on_end(self, link: Link, reason: str) -> None:
        peer = link.peer
        if self._links.remove(link) and not self._is_closed:
            owner = self._pool.row(peer.shard)
            who = f"worker {peer.shard}"
            if owner is not None and owner.id != peer.worker:
                who = f"another {who}, from {peer.address},"
            else:
                self._kills.disconnected(peer.shard)
            text = f"{who} is not connected any more: {reason}"
            self._voice.tell(peer.shard, text)
            self._do(self._pool.link_lost(peer.shard, peer.worker, self._elapsed()))

    def _handle(self, link: Link, body: Request, answer: Answerer) -> None:
        match body:
            case Heartbeat():
                answer(self._heartbeat(link, body))
            case UpdateStatus():
                self._statuses.arrived(link.peer, body, answer)
            case _:
                answer(Refused("a scheduler is not asked for that"))

    def _heartbeat(self, link: Link, body: Heartbeat) -> HeartbeatReply | Refused:
        worker, peer = body.worker, link.peer
        if (worker.shard, worker.id) != (peer.shard, peer.worker):
            return Refused("it is another worker than the one that connected")
        if worker.shard == LOCAL_WORKER.node:
            return Refused("the scheduler's own host has that name; give --shard-id")
        reply, actions = self._pool.heartbeat(
            worker, body.worker_set, PROTOCOL_VERSION, self._elapsed()
        )
        self._do(actions, peer.shard)
        self._kills.again(peer.shard)
        if self._pool.may_have_tasks:
            # Else, once it has heard of this scheduler, nobody sees that any more.
            try:
                self._served.give()
            except OSError as error:
                return Refused(f"{NOT_NOTED}: {error}")
        return Refused(reply) if isinstance(reply, str) else reply

    def _heard(self, link: Link, news: News) -> None:
        shard = link.peer.shard
        match news:
            case TaskStarted(invocation, pid):
                task = self._tasks.of(shard, invocation)
                if task is not None:
                    self._tell(AttemptStarted(task.task, invocation, pid))
            case TaskUsage(rows):
                ours = tuple(row for row in rows if self._tasks.of(shard, row[0]))
                if ours:
                    self._tell(AttemptUsage(ours))
            case LastLines():
                self._peers.heard(shard, news)
            case BeatSoon():
                # Only schedulers have reason to say it.
                pass
            case Leaving():
                worker, now = link.peer.worker, self._elapsed()
                self._do(self._pool.leaving(shard, worker, now, news))
            case WorkerTrouble(text):
                trouble = f"worker {shard}: {for_people(text)}"
                if self._voice.warn(shard, trouble):
                    self._tell(RunnerTrouble(trouble))

    def _elapsed(self) -> float:
        return self._clock.now().elapsed
