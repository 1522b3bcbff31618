"""The interface's own description: OpenAPI 3.1, made from the handlers."""

from collections.abc import Iterable

from bistro_tui import __version__
from bistro_tui.engine.api.envelope import MAX_DEPTH, MAX_SUBQUERIES
from bistro_tui.engine.api.handler import Handler
from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.api.schemas import closed
from bistro_tui.engine.config.model import Json

_ABOUT = f"""One POST asks any number of subqueries, each of one handler, by names that
the client chooses; the answer has theirs. What is wrong with one subquery is its
`error`, the others are answered and the status is 200. They are answered in their
order, from one config. Of a repeated name the last one counts. The name `prefs` is
ignored. A body has at most {MAX_DEPTH} levels; the Content-Type is not looked at.

On loopback, reading needs no token. If any subquery changes something, the whole
request needs it, else nothing of it is done. Over the unix socket nothing needs it.
"""

_STRANGE = {
    "400": "No HTTP.",
    "403": "A foreign Host, Origin or Sec-Fetch-Site; nothing else was looked at.",
    "405": "Another method than those that this path takes.",
    "431": "The header is too long.",
}
_TOKEN = {"401": "The token is missing or wrong; nothing was done."}
_STOPPED = {"503": "The scheduler has stopped."}
_BODY = {
    "400": "The body is not a JSON object of subqueries, or no HTTP.",
    "408": "The body did not come in time.",
    "413": "The body has more than 1 MiB.",
    "415": "The body is compressed.",
}
_REFUSALS = _STRANGE | _TOKEN | _STOPPED


def document() -> dict[str, Json]:
    """Return the whole document; to be made once, for it stays the same."""
    handlers = HANDLERS.values()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bistro-tui",
            "version": __version__,
            "description": "The REST interface of a scheduler. Bistro's requests work"
            " unchanged.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/": {"post": _post()},
            "/healthz": {"get": _healthz()},
            "/metrics": {"get": _metrics()},
            "/events": {"get": _events()},
            "/openapi.json": {"get": _openapi()},
        },
        "components": {
            "schemas": _schemas(handlers),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What lies in `secrets/api.token` of the data"
                    " directory, or in the file of --http-token-file.",
                }
            },
        },
    }


def _post() -> Json:
    return {
        "operationId": "ask",
        "summary": "Ask subqueries",
        "description": _ABOUT,
        "security": [{}, {"token": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Request")}},
        },
        "responses": {
            "200": {
                "description": "Each subquery has its `data` or its `error`.",
                "content": {"application/json": {"schema": _ref("Answers")}},
            },
            **_refused(_REFUSALS | _BODY),
        },
    }


def _healthz() -> Json:
    return {
        "operationId": "health",
        "summary": "Whether the scheduler is alive; never needs a token",
        "security": [{}],
        "responses": {
            "200": {
                "description": "It is.",
                "content": {"application/json": {"schema": _ref("Health")}},
            },
            **_refused(_STRANGE | _STOPPED),
        },
    }


def _metrics() -> Json:
    text = {"schema": {"type": "string"}}
    return {
        "operationId": "metrics",
        "summary": "Figures for Prometheus",
        "security": [{}, {"token": []}],
        "responses": {
            "200": {
                "description": "The text format of Prometheus.",
                "content": {"text/plain": text},
            },
            **_refused(_REFUSALS),
        },
    }


def _events() -> Json:
    text = {"schema": {"type": "string"}}
    return {
        "operationId": "events",
        "summary": "What the screen shows, as it changes: server-sent events",
        "description": "First a `snapshot`, then each `change` of it, each with an"
        " `id`. Who comes back with that as Last-Event-ID gets the changes since, or a"
        " new snapshot; so does who is too slow.",
        "security": [{}, {"token": []}],
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
            },
            {
                "name": "last_event_id",
                "in": "query",
                "required": False,
                "description": "The same, for who cannot set a header.",
                "schema": {"type": "string"},
            },
        ],
        "responses": {
            "200": {
                "description": "Events until the scheduler stops.",
                "content": {"text/event-stream": text},
            },
            **_refused(
                _REFUSALS | {"503": "Too many streams are open, or it has stopped."}
            ),
        },
    }


def _openapi() -> Json:
    return {
        "operationId": "openapi",
        "summary": "This document",
        "security": [{}, {"token": []}],
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **_refused(_REFUSALS),
        },
    }


def _refused(codes: dict[str, str]) -> dict[str, Json]:
    content = {"application/json": {"schema": _ref("Refusal")}}
    return {
        code: {"description": codes[code], "content": content} for code in sorted(codes)
    }


def _schemas(handlers: Iterable[Handler]) -> dict[str, Json]:
    schemas: dict[str, Json] = {
        "Refusal": {"description": "Why, for people.", "type": "string"},
        "Error": closed({"error": {"type": "string"}}),
        "Health": closed({"status": {"const": "ok"}, "state": {"type": "string"}}),
    }
    for handler in handlers:
        schemas |= {
            f"{handler.name}.subquery": _subquery(handler),
            f"{handler.name}.data": handler.gives,
            f"{handler.name}.answer": closed({"data": _ref(f"{handler.name}.data")}),
        }
    asked = {handler.name: _ref(f"{handler.name}.subquery") for handler in handlers}
    schemas["Request"] = {
        "type": "object",
        "maxProperties": MAX_SUBQUERIES,
        "properties": {"prefs": {"description": "Ignored."}},
        "additionalProperties": {
            "oneOf": list(asked.values()),
            "discriminator": {
                "propertyName": "handler",
                "mapping": {name: one["$ref"] for name, one in asked.items()},
            },
        },
    }
    answers = [_ref(f"{handler.name}.answer") for handler in handlers]
    schemas["Answers"] = {
        "type": "object",
        "additionalProperties": {"anyOf": [_ref("Error"), *answers]},
    }
    return schemas


def _subquery(handler: Handler) -> Json:
    token = " Changes something: on TCP it needs the token." if handler.changes else ""
    return {
        "description": handler.about + token,
        "type": "object",
        "properties": {"handler": {"const": handler.name}, **handler.takes},
        "required": ["handler", *handler.requires],
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
