"""Writes the config reference and the JSON Schema from the tables of all keys.

    .venv/bin/python docs/config_reference.py

The prose of the reference is in ``docs/config.in.md``; ``{{NAME}}`` there becomes the
table of that section.
"""

import json
import re
from pathlib import Path

from bistro_tui.engine.config import (
    job_keys,
    schema,
    settings_keys,
    shared_keys,
    source_keys,
)
from bistro_tui.engine.config.keys import Key, Section, described

HERE = Path(__file__).parent
PAGE = HERE / "config.md"
PROSE = HERE / "config.in.md"
SCHEMA = Path(schema.__file__).with_name("schema.json")

MARK = "<!-- Made by config_reference.py from config.in.md: change that one. -->\n\n"


def page() -> str:
    """Return the text of the reference."""
    return MARK + re.sub(r"\{\{(\w+)\}\}", _table, PROSE.read_text(encoding="utf-8"))


def schema_text() -> str:
    """Return the text of the JSON Schema."""
    return json.dumps(schema.config_schema(), indent=1, ensure_ascii=False) + "\n"


def _table(found: re.Match[str]) -> str:
    name = found.group(1)
    tables = (settings_keys, source_keys, job_keys, shared_keys)
    section = next(vars(table)[name] for table in tables if name in vars(table))
    assert isinstance(section, Section)
    rows = ["| Key | Value | Default | Means |", "|---|---|---|---|"]
    rows += [_row(key) for key in section]
    return "\n".join(rows)


def _row(key: Key) -> str:
    means = key.means
    if not key.has_effect:
        means += " *No effect here.*"
    if key.is_ours:
        means += " ◆"
    return f"| `{key.name}` | {described(key.type)} | {_default(key)} | {means} |"


def _default(key: Key) -> str:
    if key.required:
        return "**required**"
    if key.inherited:
        return "the settings'"
    if key.default_text:
        return key.default_text
    return "–" if key.default is None else f"`{json.dumps(key.default)}`"


def main() -> None:
    """Write both files."""
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
