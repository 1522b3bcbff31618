"""The JSON Schema of a config, made from the tables of its keys. Pure.

``schema.json`` beside this module is its output; a test holds them equal. It takes what
the parser takes, numbers in quotes included, and flags what the parser warns of:
editors show both in the same way.
"""

import re
from typing import Any, TypeAlias

from bistro_tui.engine.config.job_keys import JOB
from bistro_tui.engine.config.keys import (
    ArrayOf,
    Key,
    Kind,
    MapOf,
    Section,
    Sources,
    Type,
    Words,
)
from bistro_tui.engine.config.settings_keys import SETTINGS
from bistro_tui.engine.config.source_keys import MANUAL_NODE, SOURCES

Schema: TypeAlias = dict[str, Any]

_INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
_INT_TEXT = r"^\s*[+-]?[0-9]{1,19}\s*$"
_FLOAT_TEXT = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_BOOL_WORDS = ("y", "yes", "n", "no", "t", "true", "f", "false", "on", "off")

# A regex of a schema knows no flags, so each letter stands there twice.
_BOOL_TEXT = "|".join(
    "".join(f"[{letter}{letter.upper()}]" for letter in word) for word in _BOOL_WORDS
)

_CRON_FIELDS = ("minute", "hour", "day_of_month", "month", "year", "day_of_week")


def config_schema() -> Schema:
    """Return the schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bistro-tui config",
        "description": "Jobs, nodes and resource limits for bistro-tui and Bistro.",
        "type": "object",
        "properties": {
            "$schema": {"description": "For editors; not read."},
            "bistro_settings": {"$ref": "#/$defs/bistro_settings"},
        },
        "patternProperties": {"^bistro_job->": {"$ref": "#/$defs/bistro_job"}},
        "additionalProperties": False,
        "required": ["bistro_settings"],
        "$defs": {
            "bistro_settings": _section(SETTINGS),
            "bistro_job": _section(JOB),
            "children": _section(MANUAL_NODE),
            "cron": _cron(),
            **{_name(kind): schema for kind, schema in _KINDS.items()},
        },
    }


_KINDS: dict[Kind, Schema] = {
    Kind.BOOL: {
        "type": ["boolean", "number", "string"],
        "pattern": rf"^\s*([01]|{_BOOL_TEXT})\s*$",
    },
    Kind.INT: {
        "type": ["integer", "boolean", "string"],
        **_INT64,
        "pattern": _INT_TEXT,
    },
    Kind.COUNT: {
        "type": ["integer", "boolean", "string"],
        "minimum": 0,
        "maximum": 2**63 - 1,
        "pattern": _INT_TEXT.replace("[+-]?", r"\+?"),
    },
    Kind.NUMBER: {"type": ["number", "boolean", "string"], "pattern": _FLOAT_TEXT},
    Kind.SECONDS: {
        "type": ["number", "string", "boolean"],
        "not": {"const": False},
        "exclusiveMinimum": 0,
        "pattern": _FLOAT_TEXT.replace("[+-]?", r"\+?", 1),
    },
    Kind.TEXT: {"type": ["string", "number", "boolean"]},
    Kind.PROGRAM: {"type": ["string", "number", "boolean"], "minLength": 1},
    Kind.PATTERN: {"type": ["string", "number", "boolean"], "minLength": 1},
    Kind.BACKOFF: {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
                {"enum": ["repeat", "fail"]},
            ]
        },
    },
    Kind.ORPHAN_DELAY: {
        "type": ["boolean", "number"],
        "exclusiveMinimum": -(2**63),
        "exclusiveMaximum": 2**63,
    },
    Kind.NOTHING: {"type": "object", "maxProperties": 0},
    Kind.MANUAL_NODE: {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"$ref": "#/$defs/text"}},
            {"$ref": "#/$defs/children"},
        ]
    },
}


def _name(kind: Kind) -> str:
    return kind.name.lower()


def _section(section: Section) -> Schema:
    found: Schema = {"type": "object", "additionalProperties": False}
    found["properties"] = {key.name: _key(key) for key in section}
    required = [key.name for key in section if key.required]
    if required:
        found["required"] = required
    names = section.names
    for source, prefs in (("source", "prefs"), ("node_source", "node_source_prefs")):
        if source in names:
            found["allOf"] = [
                _prefs(source, prefs, name, kind) for name, kind in SOURCES.prefs
            ]
    return found


def _prefs(source: str, prefs: str, name: str, kind: Type) -> Schema:
    """Return what the prefs must be if the source has that name."""
    then: Schema = {"properties": {prefs: _type(kind)}}
    if _needs_prefs(kind):
        then["required"] = [prefs]
    return {
        "if": {"properties": {source: {"const": name}}, "required": [source]},
        "then": then,
    }


def _needs_prefs(prefs: Type) -> bool:
    # A manual source without any node has no root.
    if isinstance(prefs, Section):
        return any(key.required for key in prefs)
    return isinstance(prefs, MapOf)


def _key(key: Key) -> Schema:
    means = _plain(key.means)
    if not key.has_effect:
        means += " Without effect here."
    if key.inherited:
        means += " Missing: as in bistro_settings."
    elif key.default_text:
        means += f" Missing: {_plain(key.default_text)}."
    found = {**_type(key.type), "description": means}
    if key.default is not None:
        found["default"] = key.default
    return found


def _plain(markdown: str) -> str:
    return re.sub(r"[`*]", "", markdown)


def _type(kind: Type) -> Schema:
    match kind:
        case Words():
            return {"enum": list(kind.words)}
        case ArrayOf():
            return {"type": "array", "items": _type(kind.item)}
        case MapOf():
            return _map(kind)
        case Section():
            return _section(kind)
        case Sources():
            return {"enum": [name for name, _ in kind.prefs]}
        case Kind.ANY:
            return {}
        case Kind():
            return {"$ref": f"#/$defs/{_name(kind)}"}


def _map(kind: MapOf) -> Schema:
    value = _type(kind.value)
    if kind.keys:
        found: Schema = {"properties": dict.fromkeys(kind.keys, value)}
        found["additionalProperties"] = False
    else:
        found = {"additionalProperties": value} if value else {}
    if kind.name == "NAME":
        found["propertyNames"] = {"pattern": "^[^=\0]+$"}
    return {"type": "object", **found}


def _cron() -> Schema:
    words = ["skip", "unskip", "repeat_use_both"]
    words += ["repeat_use_only_early", "repeat_use_only_late"]
    fixes = {"type": "array", "items": {"enum": words}, "minItems": 2, "maxItems": 2}
    one = {"type": ["integer", "string"]}
    steps = {
        "type": "object",
        "properties": {"start": one, "end": one, "period": one},
        "additionalProperties": False,
    }
    selector = {"anyOf": [one, {"type": "array", "items": one}, steps]}
    return {
        "description": "When: five fields as in crontab, single fields, or epoch.",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"cron": {"type": "string"}, "dst_fixes": fixes},
                "required": ["cron"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"epoch": selector},
                "required": ["epoch"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {
                    **dict.fromkeys(_CRON_FIELDS, selector),
                    "dst_fixes": fixes,
                },
                "required": ["minute", "dst_fixes"],
                "additionalProperties": False,
            },
        ],
    }
