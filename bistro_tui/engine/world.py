"""Config, nodes and this host: loaded at the start, watched ever after."""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bistro_tui.engine import sentences
from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.commands import NO_COMMAND, with_commands_missing
from bistro_tui.engine.config.job_edits import Edit, deleting, enabling, saving
from bistro_tui.engine.config.judgement import Judgement, judge, refusal
from bistro_tui.engine.config.load import LoadedConfig, digest_of
from bistro_tui.engine.config.loader import ConfigChanges, ConfigLoader
from bistro_tui.engine.config.model import Config, Json, Settings
from bistro_tui.engine.config.problems import render_problems
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.nodes.keeper import NodesKeeper
from bistro_tui.engine.nodes.loader import NodesLoader, NodesResult
from bistro_tui.engine.nodes.plugged import find_node_source
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.physical.keeper import HostKeeper
from bistro_tui.engine.physical.reader import make_host_reader
from bistro_tui.engine.scheduling.events import (
    ConfigBroken,
    ConfigLoaded,
    Event,
    HostReported,
    NodesLoaded,
)
from bistro_tui.engine.system_zone import system_zone

log = logging.getLogger("bistro_tui")

RELOAD_SEC = 10.0
"""How long a request waits for the reload of the file that it edited."""


class World:
    """Keeps the core told of the config file, the node sources and this host."""

    def __init__(
        self,
        *,
        options: EngineOptions,
        config_loader: ConfigLoader,
        instance: NodeName,
        clock: Clock,
        rng: random.Random,
        board: Board,
        feed: Callable[[Sequence[Event]], None],
    ) -> None:
        self._options = options
        self._config_loader = config_loader
        self._clock = clock
        self._board = board
        self._feed = feed
        self._nodes = NodesKeeper(
            NodesLoader(
                instance_name=instance,
                config_dir=options.config_path.absolute().parent,
                clock=clock,
                zone=system_zone(),
                rng=rng,
                find_source=find_node_source,
            ),
            clock=clock,
            update_ms=options.nodes_update_ms,
            retry_ms=options.nodes_retry_ms,
            on_nodes=self._on_nodes,
        )
        self._host = HostKeeper(
            make_host_reader(options, clock),
            refresh_sec=options.refresh_usable_physical_resources_sec,
            on_host=self._on_host,
        )
        self._watcher: ConfigChanges | None = None
        self._digest = ""
        self._tree: NodeTree | None = None
        self._told: HostResources | None = None
        """What the core knows of this host."""
        self._reloaded = asyncio.Condition()
        self._loads = 0
        self._editing = asyncio.Lock()
        """Edits wait here for each other, not for the file's lock."""
        self.path = _absolute(options)
        """The same for all who ask, from wherever the scheduler was started."""
        self.config: Config | None = None
        self.judgement = Judgement()
        """Of the newest text, whether or not it could be used."""
        self.in_force = self.judgement
        """Of the text of ``config``."""
        self.version = 0
        self.loaded_at = 0.0
        self.is_broken = False

    @property
    def is_in_force(self) -> bool:
        """Whether the newest text of the config is the one that runs."""
        return not self.is_broken and self.judgement is self.in_force

    async def load_config(self) -> Event:
        """Return the event of the first load; ConfigUnusable when it is bad."""
        loaded = await self._config_loader.load()
        config = loaded.config
        if config is None:
            raise ConfigUnusable(_why_unusable(loaded))
        if loaded.path != self.path and loaded.path == self._options.config_path:
            loaded = loaded.at(self.path)
        self.judgement = self.in_force = await self._judge(loaded)
        return self._accept(loaded, config)

    async def load_host(self) -> list[Event]:
        """Return the events of what this host has, measured if the config asks."""
        if self.config is None:
            return []
        return self._host_events(await self._host.look(self.config.settings))

    async def load_nodes(self) -> list[Event]:
        """Return the events of the first fetch; ConfigUnusable if no tree can be."""
        if self.config is None:
            return []
        result = await self._nodes.first(self.config.settings)
        if result.is_refused:
            text = "\n".join(result.errors)
            raise ConfigUnusable(f"{self.path}: {text}")
        return self._nodes_events(result)

    async def watch_config(self) -> None:
        """Tell the core of every change of the file, for ever."""
        changes = self._config_loader.watch(digest=self._digest)
        async with changes as self._watcher:
            async for loaded in self._watcher:
                await self._take(loaded)
                self._loads += 1
                async with self._reloaded:
                    self._reloaded.notify_all()

    async def watch_nodes(self) -> None:
        """Tell the core of every change of the nodes, for ever."""
        await self._nodes.run()

    async def watch_host(self) -> None:
        """Tell the core of what this host has, for ever."""
        await self._host.run()

    @property
    def awaits_nodes(self) -> bool:
        """Whether a source of the config has neither answered nor failed yet."""
        return not self._nodes.is_settled

    def request_reload(self) -> None:
        """Read the file and fetch the nodes now, whether anything changed or not."""
        self._poke()
        self._nodes.request()

    async def reloaded(self) -> None:
        """Return when the file was read the next time, whatever was in it."""
        async with self._reloaded:
            await self._reloaded.wait()

    def _poke(self) -> None:
        if self._watcher is not None:
            self._watcher.poke()

    def problems(self) -> Iterator[str]:
        """Return why a run that ends now is not complete, whatever became of tasks."""
        for banner in self._board.banners():
            if banner.topic in ("config", "nodes"):
                yield banner.text
        if self.config is None:
            return
        if not self.config.settings.enabled:
            yield "bistro_settings.enabled is false: nothing is started"
        enabled = [job for job in self.config.jobs.values() if job.enabled]
        if enabled and not any(job.is_valid for job in enabled):
            yield "no job can run: each has errors"

    def invalid_jobs(self) -> frozenset[JobName]:
        """Return the enabled jobs that cannot run because of their own errors."""
        jobs = self.config.jobs.values() if self.config is not None else ()
        return frozenset(job.name for job in jobs if job.enabled and not job.is_valid)

    async def set_job_enabled(
        self, job: JobName, enabled: bool, *, version: str | None = None
    ) -> str:
        """Edit the file and return once the running config says the same.

        A job of another ``version`` than that is refused.
        """
        word = "enabled" if enabled else "disabled"
        said = f"{job} {word}"
        if await self.edit(enabling(self.path, job, enabled, version), said):
            return sentences.job_switched(job, enabled, self.path)
        return sentences.job_is_already(job, enabled)

    async def save_job(
        self, job: JobName, value: dict[str, Json], *, version: str | None = None
    ) -> None:
        """Put that job into the file and return once it is in the running config.

        A job of another ``version`` is refused, which may also be its ``version_id``,
        and one that has errors wherever it runs. One without a ``command`` is saved
        even if it cannot run without one here.
        """
        await self.edit(saving(self.path, job, value, version), f"{job} saved")

    async def delete_job(self, job: JobName, *, version: str | None = None) -> None:
        """Take that job out of the file, return once the running config lacks it.

        A job of another ``version`` is refused.
        """
        await self.edit(deleting(self.path, job, version), f"{job} deleted")

    async def edit(self, edit: Edit, said: str) -> bool:
        """Edit the file; return, after the reload, whether that changed it.

        ``said`` is what the file has then, in words.
        The file decides: the running config may not know the last edit yet.
        """
        digest = ""

        def change(text: str) -> str:
            nonlocal digest
            changed = edit(text)
            digest = digest_of(changed.encode())
            return changed

        async with self._editing:
            is_changed = await self._config_loader.edit(change)
        if is_changed:
            log.info("%s in %s", said, self.path.name)
        try:
            async with asyncio.timeout(RELOAD_SEC):
                is_in_force = await self._reload(digest)
        except TimeoutError:
            is_in_force = False
        if not is_in_force:
            raise ControlRefused(
                f"the file now has {said}, but the running config does not yet:"
                " see the config banner"
            )
        return is_changed

    async def _reload(self, digest: str) -> bool:
        """Return whether what the file holds since before this call is in force."""
        # The first load to come may have begun before the edit, the second has not.
        for _ in range(2):
            if self._digest == digest and not self.is_broken:
                return True
            await self._load_again()
        return not self.is_broken

    async def _load_again(self) -> None:
        loads = self._loads
        self._poke()
        async with self._reloaded:
            await self._reloaded.wait_for(lambda: self._loads > loads)

    async def _take(self, loaded: LoadedConfig) -> None:
        if loaded.config is None:
            is_file = self._options.config_loader == "file"
            is_there = not is_file or await asyncio.to_thread(
                os.path.lexists, self.path
            )
            gone = f"{self.path}: was deleted or moved away; put it back"
            found = await self._judge(loaded) if is_there else refusal(self.path, gone)
            self._refuse(_why_unusable(loaded) if is_there else gone, found)
            return
        if loaded.digest == self._digest and not self.is_broken:
            return
        judgement = await self._judge(loaded)
        host = await self._host.look(loaded.config.settings)
        events: list[Event] = []
        if self._node_section_differs(loaded.config.settings):
            nodes = await self._nodes.change(loaded.config.settings)
            if nodes.is_refused:
                await self._keep_nodes()
                message = f"{self.path}: {'; '.join(nodes.errors)}"
                self._refuse(message, refusal(self.path, message))
                return
            events += self._nodes_events(nodes)
        events += self._host_events(host)
        self.judgement = self.in_force = judgement
        events.append(self._accept(loaded, loaded.config))
        log.info("config version %d is in force", self.version)
        self._feed(events)

    async def _keep_nodes(self) -> None:
        if self.config is not None:
            await self._nodes.change(self.config.settings)

    def _node_section_differs(self, settings: Settings) -> bool:
        if self.config is None:
            return True
        old = self.config.settings
        return (old.levels, old.node_sources) != (
            settings.levels,
            settings.node_sources,
        )

    def _accept(self, loaded: LoadedConfig, config: Config) -> ConfigLoaded:
        for warning in loaded.warnings:
            log.warning("%s", warning.as_line())
        for problem in loaded.problems:
            log.error("%s", render_problems([problem], loaded.text))
        if self._options.needs_commands:
            config = with_commands_missing(config)
        broken = [job.name for job in config.jobs.values() if not job.is_valid]
        for name in broken:
            if NO_COMMAND in config.jobs[name].errors:
                log.error("job %s: %s", name, NO_COMMAND)
        self._board.put("config", "")
        self._board.put("jobs", _job_errors_text(broken))
        self._board.put("warnings", _warnings_text(loaded), is_error=False)
        self.config = config
        self._host.follow(config.settings)
        self._digest = loaded.digest
        self.is_broken = False
        self.version += 1
        self.loaded_at = self._clock.now().wall
        return ConfigLoaded(config)

    async def _judge(self, loaded: LoadedConfig) -> Judgement:
        return await judge(loaded, needs_commands=self._options.needs_commands)

    def _refuse(self, message: str, judgement: Judgement) -> None:
        self.judgement = judgement
        if self._board.put("config", message):
            log.error("the config is bad, %s:\n%s", self._meanwhile(), message)
        if not self.is_broken:
            self.is_broken = True
            self._feed([ConfigBroken()])

    def _meanwhile(self) -> str:
        if self.config is not None and self.config.settings.on_bad_config == "keep":
            return "the last good one stays in force"
        return "nothing new starts"

    def _on_host(self, host: HostResources) -> None:
        events = self._host_events(host)
        if events:
            self._feed(events)

    def _host_events(self, host: HostResources) -> list[Event]:
        if host == self._told:
            return []
        self._told = host
        return [HostReported(host)]

    def _on_nodes(self, result: NodesResult) -> None:
        self._feed(self._nodes_events(result))

    def _nodes_events(self, result: NodesResult) -> list[Event]:
        text = "\n".join(result.errors)
        if self._board.put("nodes", text) and text:
            log.error("node source failed: %s", text)
        if result.tree == self._tree:
            return []
        self._tree = result.tree
        return [NodesLoaded(result.tree)]


def _absolute(options: EngineOptions) -> Path:
    """Return how the config is called in answers; only of a file there is a path."""
    given = options.config_path
    is_file = options.config_loader == "file"
    return Path(os.path.abspath(given)) if is_file else given


def _why_unusable(loaded: LoadedConfig) -> str:
    if loaded.trouble:
        return loaded.trouble
    errors = render_problems(loaded.settings_problems, loaded.text)
    if not loaded.warnings:
        return errors
    # A misspelt key is often the reason for a missing one.
    return f"{errors}\nwarnings:\n{render_problems(loaded.warnings, loaded.text)}"


def _job_errors_text(broken: Sequence[JobName]) -> str:
    if not broken:
        return ""
    if len(broken) == 1:
        return f"job {broken[0]} has errors and does not run"
    return f"{len(broken)} jobs have errors and do not run: {', '.join(broken[:5])}" + (
        " …" if len(broken) > 5 else ""
    )


def _warnings_text(loaded: LoadedConfig) -> str:
    if not loaded.warnings:
        return ""
    more = len(loaded.warnings) - 1
    return loaded.warnings[0].as_line() + (f" (and {more} more)" if more else "")
