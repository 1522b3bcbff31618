"""All that a plug-in needs, in one place.

A plug-in is a distribution with entry points in one or more of the groups
``bistro_tui.node_sources``, ``bistro_tui.policies``, ``bistro_tui.runners``,
``bistro_tui.config_loaders`` and ``bistro_tui.status_stores``. Each names a class or
function that makes the part. Time, randomness and data come in as arguments.
"""

from bistro_tui.engine.clock import Clock, Now
from bistro_tui.engine.config.coerce import (
    CoercionError,
    to_bool,
    to_float,
    to_int,
    to_str,
)
from bistro_tui.engine.config.load import LoadedConfig
from bistro_tui.engine.config.loader import (
    ConfigChanges,
    ConfigLoader,
    ConfigLoaderFactory,
    LoaderContext,
)
from bistro_tui.engine.config.model import Job, KillMethod, KillSettings
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.config.text_loader import TextLoader
from bistro_tui.engine.cron.zone import Zone
from bistro_tui.engine.errors import BistroError, ConfigUnusable, ControlRefused
from bistro_tui.engine.foreign import TaskExited
from bistro_tui.engine.ids import InvocationId, JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.installed import Group, PluginError, find, names
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.nodes.sources.source import (
    FoundNodes,
    NewNode,
    NodeSource,
    Surroundings,
)
from bistro_tui.engine.runners.context import RunnerContext, RunnerFactory
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    ReportSink,
    RunnerReport,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.policies.policy import Contender, Policy
from bistro_tui.engine.scheduling.policies.registry import PolicyFactory
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.keeping import (
    StatusKeeper,
    StatusStoreFactory,
    StoreContext,
)
from bistro_tui.engine.statuses.report import error_backoff, parse_report
from bistro_tui.engine.statuses.status import TaskStatus

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "BistroError",
    "Bits",
    "Clock",
    "CoercionError",
    "ConfigChanges",
    "ConfigLoader",
    "ConfigLoaderFactory",
    "ConfigUnusable",
    "Contender",
    "ControlRefused",
    "FoundNodes",
    "Group",
    "InvocationId",
    "Job",
    "JobName",
    "KillMethod",
    "KillSettings",
    "LevelName",
    "LoadedConfig",
    "LoaderContext",
    "LogSink",
    "NewNode",
    "NodeName",
    "NodeSource",
    "Now",
    "ObjectReader",
    "PluginError",
    "Policy",
    "PolicyFactory",
    "ReportSink",
    "RunnerContext",
    "RunnerFactory",
    "RunnerReport",
    "StartTask",
    "StatusKeeper",
    "StatusStoreFactory",
    "StoreContext",
    "Stream",
    "Surroundings",
    "TaskExited",
    "TaskId",
    "TaskRunner",
    "TaskStatus",
    "TextLoader",
    "Zone",
    "error_backoff",
    "find",
    "names",
    "parse_report",
    "to_bool",
    "to_float",
    "to_int",
    "to_str",
]
