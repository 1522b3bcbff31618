"""The config and the nodes: loaded at the start, watched ever after."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.edit import set_enabled
from bistro_tui.engine.config.file_edit import edit_config_file
from bistro_tui.engine.config.load import LoadedConfig, load_config
from bistro_tui.engine.config.model import Config, Job, Settings
from bistro_tui.engine.config.problems import render_problems
from bistro_tui.engine.config.watcher import ConfigWatcher
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.nodes.loader import NodesLoader
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.scheduling.events import (
    ConfigBroken,
    ConfigLoaded,
    Event,
    NodesLoaded,
)

log = logging.getLogger("bistro_tui")

RELOAD_SEC = 10.0
"""How long a request waits for the reload of the file that it edited."""

NO_COMMAND = (
    'command: missing, and no --worker-command was given: add a "command" array to the'
    " job, or start with --worker-command PROGRAM"
)


class World:
    """Keeps the core told of the config file and of the node sources."""

    def __init__(
        self,
        *,
        options: EngineOptions,
        instance: NodeName,
        clock: Clock,
        board: Board,
        feed: Callable[[Sequence[Event]], None],
    ) -> None:
        self._options = options
        self._clock = clock
        self._board = board
        self._feed = feed
        self._loader = NodesLoader(
            instance_name=instance,
            config_dir=options.config_path.absolute().parent,
            clock=clock,
        )
        self._nodes_failed = False
        self._nodes_refused = False
        self._nodes_wanted = asyncio.Event()
        self._watcher: ConfigWatcher | None = None
        self._digest = ""
        self._tree: NodeTree | None = None
        # A fetch that began under the old settings must not end under the new ones.
        self._changing = asyncio.Lock()
        self._reloaded = asyncio.Condition()
        self.path = options.config_path
        self.config: Config | None = None
        self.version = 0
        self.loaded_at = 0.0
        self.is_broken = False

    async def load_config(self) -> Event:
        """Return the event of the first load; ConfigUnusable when it is bad."""
        loaded = await asyncio.to_thread(load_config, self._options.config_path)
        if loaded.config is None:
            raise ConfigUnusable(_why_unusable(loaded))
        return self._accept(loaded, loaded.config)

    async def load_nodes(self) -> list[Event]:
        """Return the events of the first fetch; ConfigUnusable if no tree can be."""
        events = await self._fetch(self.config.settings) if self.config else []
        if self._nodes_refused:
            text = "\n".join(
                b.text for b in self._board.banners() if b.topic == "nodes"
            )
            raise ConfigUnusable(f"{self.path}: {text}")
        return events

    async def watch_config(self) -> None:
        """Tell the core of every change of the file, for ever."""
        async with ConfigWatcher(
            self._options.config_path,
            poll_ms=self._options.config_update_ms,
            digest=self._digest,
        ) as self._watcher:
            async for loaded in self._watcher:
                async with self._changing:
                    await self._take(loaded)
                async with self._reloaded:
                    self._reloaded.notify_all()

    async def watch_nodes(self) -> None:
        """Fetch the nodes anew from time to time, for ever."""
        while True:
            options = self._options
            failed = self._nodes_failed
            period_ms = options.nodes_retry_ms if failed else options.nodes_update_ms
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(period_ms / 1000):
                    await self._nodes_wanted.wait()
            self._nodes_wanted.clear()
            async with self._changing:
                if self.config is not None and not self.is_broken:
                    self._feed(await self._fetch(self.config.settings))

    def request_reload(self) -> None:
        """Read the file and fetch the nodes now, whether anything changed or not."""
        self._poke()
        self._nodes_wanted.set()

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

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit the file and return once the running config says the same."""
        word = "enabled" if enabled else "disabled"
        known = self._job(job)
        if known is None:
            raise ControlRefused(f"unknown job {job}")
        if known.enabled == enabled and not self.is_broken:
            return f"{job} is {word} already"
        await asyncio.to_thread(
            edit_config_file,
            self._options.config_path,
            lambda text: set_enabled(text, job, enabled),
        )
        self._poke()
        try:
            async with asyncio.timeout(RELOAD_SEC), self._reloaded:
                await self._reloaded.wait_for(lambda: self._is(job, enabled))
        except TimeoutError:
            raise ControlRefused(
                f"the file now has {job} {word}, but the running config does not yet:"
                " see the config banner"
            ) from None
        return f"{job} {word} in {self._options.config_path.name}"

    def _job(self, name: JobName) -> Job | None:
        return self.config.jobs.get(name) if self.config is not None else None

    def _is(self, name: JobName, enabled: bool) -> bool:
        job = self._job(name)
        return job is None or job.enabled == enabled

    async def _take(self, loaded: LoadedConfig) -> None:
        if loaded.config is None:
            is_there = await asyncio.to_thread(os.path.lexists, self.path)
            gone = f"{self.path}: was deleted or moved away; put it back"
            self._refuse(_why_unusable(loaded) if is_there else gone)
            return
        if loaded.digest == self._digest and not self.is_broken:
            return
        events: list[Event] = []
        if self._node_section_differs(loaded.config.settings):
            events = await self._fetch(loaded.config.settings)
        events.append(self._accept(loaded, loaded.config))
        log.info("config version %d is in force", self.version)
        self._feed(events)

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
        config = _without_command_is_an_error(config, self._options)
        broken = [job.name for job in config.jobs.values() if not job.is_valid]
        for name in broken:
            if NO_COMMAND in config.jobs[name].errors:
                log.error("job %s: %s", name, NO_COMMAND)
        self._board.put("config", "")
        self._board.put("jobs", _job_errors_text(broken))
        self._board.put("warnings", _warnings_text(loaded), is_error=False)
        self.config = config
        self._digest = loaded.digest
        self.is_broken = False
        self.version += 1
        self.loaded_at = self._clock.now().wall
        return ConfigLoaded(config)

    def _refuse(self, message: str) -> None:
        if self._board.put("config", message):
            log.error("the config is bad, nothing new starts:\n%s", message)
        if not self.is_broken:
            self.is_broken = True
            self._feed([ConfigBroken()])

    async def _fetch(self, settings: Settings) -> list[Event]:
        result = await self._loader.load(settings)
        self._nodes_failed = bool(result.errors)
        self._nodes_refused = result.is_refused
        text = "\n".join(result.errors)
        if self._board.put("nodes", text) and text:
            log.error("node source failed: %s", text)
        if self._tree is not None and result.tree.nodes == self._tree.nodes:
            return []
        self._tree = result.tree
        return [NodesLoaded(result.tree)]


def _why_unusable(loaded: LoadedConfig) -> str:
    if loaded.trouble:
        return loaded.trouble
    errors = render_problems(loaded.settings_problems, loaded.text)
    if not loaded.warnings:
        return errors
    # A misspelt key is often the reason for a missing one.
    return f"{errors}\nwarnings:\n{render_problems(loaded.warnings, loaded.text)}"


def _without_command_is_an_error(config: Config, options: EngineOptions) -> Config:
    if options.worker_command or options.runs_fake_tasks:
        return config
    return replace(
        config,
        jobs={
            name: job if job.command else replace(job, errors=(*job.errors, NO_COMMAND))
            for name, job in config.jobs.items()
        },
    )


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
