"""What can be chosen by name: the built-in parts and those of installed plug-ins.

Both are entry points. The built-in ones are also known here, so that a program that
needs nothing else does not search the installed distributions.
"""

import enum
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bistro_tui.engine.errors import BistroError
from bistro_tui.engine.foreign import is_failure
from bistro_tui.engine.near import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OUR_DISTRIBUTION = "bistro-tui"


class Group(enum.StrEnum):
    """The entry point groups, one for each kind of part."""

    NODE_SOURCES = "bistro_tui.node_sources"
    POLICIES = "bistro_tui.policies"
    RUNNERS = "bistro_tui.runners"
    CONFIG_LOADERS = "bistro_tui.config_loaders"
    STATUS_STORES = "bistro_tui.status_stores"


_KINDS: Mapping[Group, str] = {
    Group.NODE_SOURCES: "node source",
    Group.POLICIES: "policy",
    Group.RUNNERS: "runner",
    Group.CONFIG_LOADERS: "config loader",
    Group.STATUS_STORES: "status store",
}

_ENGINE = "bistro_tui.engine"
_POLICIES = f"{_ENGINE}.scheduling.policies"

BUILT_IN: Mapping[Group, Mapping[str, str]] = {
    Group.NODE_SOURCES: {
        name: f"{_ENGINE}.nodes.sources.builtin:{name}"
        for name in ("manual", "range_label", "add_time", "script", "empty")
    },
    Group.POLICIES: {
        "roundrobin": f"{_POLICIES}.roundrobin:RoundRobin",
        "ranked_priority": f"{_POLICIES}.ranked_priority:RankedPriority",
        "randomized_priority": f"{_POLICIES}.randomized_priority:RandomizedPriority",
        "long_tail": f"{_POLICIES}.long_tail:LongTail",
    },
    Group.RUNNERS: {"local": f"{_ENGINE}.runners.builtin:local"},
    Group.CONFIG_LOADERS: {"file": f"{_ENGINE}.config.loader:FileLoader"},
    Group.STATUS_STORES: {"sqlite": f"{_ENGINE}.statuses.builtin:sqlite"},
}
"""``module:attribute`` of each, as the entry points of this distribution say."""


class PluginError(BistroError):
    """A part that was asked for by name is not there or cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part that can be chosen by name, not loaded yet."""

    group: Group
    name: str
    reference: str
    """``module:attribute``."""
    distribution: str = ""
    """Name and version of where it comes from; empty: it is built in."""

    def __str__(self) -> str:
        """Return what people call it, with where it comes from."""
        origin = f" of {self.distribution}" if self.distribution else ""
        return f"{_KINDS[self.group]} {_quoted(self.name)}{origin}"

    def load(self) -> Callable[..., Any]:
        """Return its factory: what the entry point names. Raises PluginError."""
        module_name, _, attributes = self.reference.partition(":")
        try:
            found: Any = importlib.import_module(module_name)
            for attribute in filter(None, attributes.split(".")):
                found = getattr(found, attribute)
        except BaseException as error:
            if not is_failure(error):
                raise
            raise self.error("cannot be loaded", error) from error
        if not callable(found):
            raise PluginError(
                f"the {self} cannot be used: {self.reference} is no class or function"
            )
        made: Callable[..., Any] = found
        return made

    def checked(self, made: object, methods: tuple[str, ...]) -> Any:  # noqa: ANN401 - a part of any kind
        """Return ``made`` if it has these methods; raises PluginError otherwise."""
        missing = [name for name in methods if not callable(getattr(made, name, None))]
        if missing:
            raise PluginError(
                f"the {self} cannot be used: {type(made).__name__} has no "
                + ", ".join(f"{name}()" for name in missing)
            )
        return made

    def error(self, what: str, error: BaseException) -> PluginError:
        """Return what to tell people about an error that its code raised."""
        return PluginError(f"the {self} {what}: {described(error)}")


def described(error: BaseException) -> str:
    """Return an exception's type and text in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def find(group: Group, name: str, *, words: tuple[str, ...] = ()) -> Part:
    """Return the part of that name. Raises PluginError, naming those that there are.

    ``words`` are other values that may be given instead of a name.

    A built-in name always means the built-in part. A name that two distributions give
    is refused, for nobody could say which one is meant.
    """
    reference = BUILT_IN[group].get(name)
    if reference is not None:
        return Part(group=group, name=name, reference=reference)
    parts = list(_foreign(group))
    same = [part for part in parts if part.name == name]
    if len(same) > 1:
        both = " and ".join(sorted(part.distribution for part in same))
        raise PluginError(
            f"two distributions have a {_KINDS[group]} {_quoted(name)}: {both};"
            " uninstall one of them"
        )
    if not same:
        raise PluginError(_unknown(group, name, (*words, *_names(group, parts))))
    return same[0]


def names(group: Group) -> tuple[str, ...]:
    """Return every name that can be chosen, the built-in ones first."""
    return _names(group, _foreign(group))


def _names(group: Group, parts: Iterable[Part]) -> tuple[str, ...]:
    return (*BUILT_IN[group], *sorted({part.name for part in parts}))


def _foreign(group: Group) -> Iterator[Part]:
    # Imported late: a program with built-in parts alone need not pay for it.
    from importlib.metadata import entry_points

    for point in entry_points(group=group.value):
        origin = _origin(point)
        if origin is not None and point.name not in BUILT_IN[group]:
            yield Part(
                group=group,
                name=point.name,
                reference=point.value.partition("[")[0].strip(),
                distribution=origin,
            )


def _origin(point: "EntryPoint") -> str | None:
    """Return ``name version`` of the distribution; None if it is ours."""
    if point.dist is None:
        return "an unknown distribution"
    name = point.dist.metadata["Name"]
    if name == OUR_DISTRIBUTION:
        return None
    return f"{name} {point.dist.version}"


def _unknown(group: Group, name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    hint = f"; did you mean {_quoted(near)}?" if near is not None else ""
    shown = _quoted(name)
    return f"unknown {_KINDS[group]} {shown}; there are {', '.join(known)}{hint}"


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
