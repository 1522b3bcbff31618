"""The formats that a config may have, chosen by the file's suffix, behind one door."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.places import Places
from bistro_tui.engine.config.text import parse_text


class ConfigFormat(enum.StrEnum):
    """How a config is written; the value is the name that people know."""

    JSON = "JSON"
    TOML = "TOML"
    YAML = "YAML"


_BY_SUFFIX = {
    ".toml": ConfigFormat.TOML,
    ".yaml": ConfigFormat.YAML,
    ".yml": ConfigFormat.YAML,
}


def format_of(path: PurePath) -> ConfigFormat:
    """Return the format of a file; every other suffix, and none, is JSON."""
    return _BY_SUFFIX.get(path.suffix.lower(), ConfigFormat.JSON)


@dataclass(frozen=True, slots=True)
class Document:
    """What a text stands for."""

    value: Json
    repeats_keys: bool
    """Some object has a key twice; its last value counts."""
    find_places: Callable[[], Places]
    """Costs another pass over the text."""


def read_document(text: str, config_format: ConfigFormat) -> Document:
    """Return what a text stands for; ConfigSyntaxError if it is not that format."""
    return _READERS[config_format](text)


# Each format's parser is loaded only for those who use it, and what finds places only
# if something has to be said or edited.


def _read_json(text: str) -> Document:
    parsed = parse_text(text)

    def find_places() -> Places:
        from bistro_tui.engine.config.locate import JsonPlaces

        return JsonPlaces(text, parsed.blanked)

    return Document(parsed.value, parsed.repeats_keys, find_places)


def _read_toml(text: str) -> Document:
    from bistro_tui.engine.config.toml_text import parse_toml

    def find_places() -> Places:
        from bistro_tui.engine.config.toml_places import toml_places

        return toml_places(text)

    return Document(parse_toml(text), repeats_keys=False, find_places=find_places)


def _read_yaml(text: str) -> Document:
    from bistro_tui.engine.config.yaml_text import parse_yaml, yaml_places

    parsed = parse_yaml(text)
    return Document(parsed.value, parsed.repeats_keys, lambda: yaml_places(text))


_READERS: Mapping[ConfigFormat, Callable[[str], Document]] = {
    ConfigFormat.JSON: _read_json,
    ConfigFormat.TOML: _read_toml,
    ConfigFormat.YAML: _read_yaml,
}
