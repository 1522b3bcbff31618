"""Pieces of JSON Schema that several handlers have in common."""

from bistro_tui.engine.config.model import Json

NAMES: Json = {
    "description": "Names; none, null or an empty list: all.",
    "type": ["array", "null"],
    "items": {"type": "string"},
}


def by_name(schema: Json) -> Json:
    """Return the schema of an object that has such a value under each name."""
    return {"type": "object", "additionalProperties": schema}


def closed(properties: dict[str, Json], *, optional: tuple[str, ...] = ()) -> Json:
    """Return the schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in optional],
        "additionalProperties": False,
    }
