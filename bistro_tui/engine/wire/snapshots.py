"""Snapshots and their changes as JSON, and back.

A change names what differs: of rows those that do, of all else the new value. Applied
to the snapshot that it was made from, it gives the one that it was made for.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.view import NodeName, Snapshot, WorkerRow
from bistro_tui.engine.wire import rows
from bistro_tui.engine.wire.sequences import applied, difference
from bistro_tui.engine.wire.values import (
    MALFORMED,
    NOT_OURS,
    NotUnderstood,
    counts_in,
    counts_out,
    number_in,
    number_or_none,
    number_out,
    text_in,
    whole_in,
)

FORMAT = 1
"""The only one there is; grows when older clients cannot read it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One sequence of rows in a snapshot."""

    key: Callable[[Any], Hashable]
    encode: Callable[[Any], Json]
    decode: Callable[[Json], Any]


_TABLES: Mapping[str, _Table] = {
    "jobs": _Table(key=lambda row: row.name, encode=rows.job_out, decode=rows.job_in),
    "nodes": _Table(
        key=lambda row: (row.name, row.level),
        encode=rows.node_out,
        decode=rows.node_in,
    ),
    "running": _Table(
        key=lambda row: (row.task, row.invocation),
        encode=rows.running_out,
        decode=rows.running_in,
    ),
    "ended": _Table(
        key=lambda row: (row.task, row.ended),
        encode=rows.ended_out,
        decode=rows.ended_in,
    ),
    "workers": _Table(
        key=lambda row: row.shard, encode=rows.worker_out, decode=rows.worker_in
    ),
}

_AS_THEY_ARE = (
    "starts",
    "structure",
    "worker_usage",
    "initial_wait",
    "missing_workers",
)
"""What else is told by its value when it changes."""

_ITSELF = [
    rows.worker_out(WorkerRow(NodeName("local"), "HEALTHY", "", 0, (), None)),
]
"""Who runs the tasks of a scheduler that is older than remote workers."""


def encode_snapshot(snapshot: Snapshot) -> Json:
    """Return the whole picture as JSON."""
    head = encode_head(snapshot)
    return head | {name: encode_rows(name, found) for name, found in tables(snapshot)}


def encode_head(snapshot: Snapshot) -> dict[str, Json]:
    """Return the picture without its tables as JSON."""
    head: dict[str, Json] = {
        "format": FORMAT,
        "serial": snapshot.serial,
        "now": number_out(snapshot.now),
        "state": rows.state_out(snapshot.state),
        "banners": [rows.banner_out(banner) for banner in snapshot.banners],
        "totals": counts_out(snapshot.totals),
        "starts": snapshot.starts,
        "structure": snapshot.structure,
    }
    if snapshot.worker_usage:
        head["worker_usage"] = snapshot.worker_usage
    if snapshot.initial_wait:
        head["initial_wait"] = snapshot.initial_wait
    if snapshot.wait_until is not None:
        head["wait_until"] = number_out(snapshot.wait_until)
    if snapshot.missing_workers:
        head["missing_workers"] = snapshot.missing_workers
    return head


def tables(snapshot: Snapshot) -> Sequence[tuple[str, Sequence[Any]]]:
    """Return the tables of a picture by name; they may be long."""
    return [(name, getattr(snapshot, name)) for name in _TABLES]


def encode_rows(name: str, found: Sequence[Any]) -> list[Json]:
    """Return some rows of the table of that name as JSON."""
    return list(map(_TABLES[name].encode, found))


def decode_snapshot(value: Json) -> Snapshot:
    """Return the picture. Raises NotUnderstood."""
    check_format(value)
    value = {"workers": _ITSELF} | value
    try:
        return Snapshot(
            serial=whole_in(value["serial"]),
            now=number_in(value["now"]),
            state=rows.state_in(value["state"]),
            banners=tuple(map(rows.banner_in, value["banners"])),
            totals=counts_in(value["totals"]),
            starts=whole_in(value["starts"]),
            structure=whole_in(value.get("structure", 0)),
            worker_usage=rows.usage_in(value.get("worker_usage", ())),
            initial_wait=text_in(value.get("initial_wait", "")),
            wait_until=number_or_none(value.get("wait_until")),
            missing_workers=whole_in(value.get("missing_workers", 0)),
            **{
                name: tuple(map(table.decode, value[name]))
                for name, table in _TABLES.items()
            },
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def check_format(value: Json) -> None:
    """Raise NotUnderstood for a picture in a format that is not known here."""
    found = value.get("format") if isinstance(value, dict) else None
    if found == FORMAT:
        return
    if isinstance(found, int) and found > FORMAT:
        raise NotUnderstood(
            f"the scheduler is newer: it sends format {found}, and this bistro-tui"
            f" reads {FORMAT}; update this one"
        )
    raise NotUnderstood(NOT_OURS)


def changes_between(old: Snapshot, new: Snapshot) -> Json | None:
    """Return what differs as JSON, None if nothing does."""
    found: dict[str, Json] = {}
    for name, table in _TABLES.items():
        change = difference(getattr(old, name), getattr(new, name), table.key)
        if change is not None:
            found[name] = {
                "gone": list(change.gone),
                "rows": [[at, table.encode(row)] for at, row in change.rows],
            }
    if old.state != new.state:
        found["state"] = rows.state_out(new.state)
    if old.banners != new.banners:
        found["banners"] = [rows.banner_out(banner) for banner in new.banners]
    if old.totals != new.totals:
        found["totals"] = counts_out(new.totals)
    for name in _AS_THEY_ARE:
        if getattr(old, name) != getattr(new, name):
            found[name] = getattr(new, name)
    if old.wait_until != new.wait_until:
        found["wait_until"] = number_out(new.wait_until)
    if not found and (old.serial, old.now) == (new.serial, new.now):
        return None
    return {"serial": new.serial, "now": number_out(new.now)} | found


def apply_change(old: Snapshot, change: Json) -> Snapshot:
    """Return the picture after that change. Raises NotUnderstood."""
    try:
        values = {
            name: _apply_rows(table, getattr(old, name), change[name])
            if name in change
            else getattr(old, name)
            for name, table in _TABLES.items()
        }
        banners, totals = old.banners, old.totals
        if "banners" in change:
            banners = tuple(map(rows.banner_in, change["banners"]))
        if "totals" in change:
            totals = counts_in(change["totals"])
        return Snapshot(
            serial=whole_in(change["serial"]),
            now=number_in(change["now"]),
            state=rows.state_in(change["state"]) if "state" in change else old.state,
            banners=banners,
            totals=totals,
            starts=whole_in(change.get("starts", old.starts)),
            structure=whole_in(change.get("structure", old.structure)),
            worker_usage=rows.usage_in(change["worker_usage"])
            if "worker_usage" in change
            else old.worker_usage,
            initial_wait=text_in(change.get("initial_wait", old.initial_wait)),
            wait_until=number_or_none(change["wait_until"])
            if "wait_until" in change
            else old.wait_until,
            missing_workers=whole_in(
                change.get("missing_workers", old.missing_workers)
            ),
            **values,
        )
    except MALFORMED as error:
        raise NotUnderstood(NOT_OURS) from error


def _apply_rows(table: _Table, old: Sequence[Any], change: Json) -> tuple[Any, ...]:
    gone = list(map(whole_in, change["gone"]))
    stand = [(whole_in(at), table.decode(row)) for at, row in change["rows"]]
    return applied(old, gone, stand)
