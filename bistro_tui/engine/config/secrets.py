"""Values of jobs that are to be read only by those who may change jobs. Pure."""

import re
from collections.abc import Iterator

from bistro_tui.engine.config.model import Json

HIDDEN = "***"
"""In place of such a value."""

SECRET = re.compile("token|secret|password", re.IGNORECASE)
"""What is in the names of such values."""


def hide_secrets(value: Json) -> Json:
    """Return the value with what stands under keys like ``db_password`` hidden."""
    if isinstance(value, dict):
        return {
            key: HIDDEN if is_secret(key) and one else hide_secrets(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [hide_secrets(one) for one in value]
    return value


def hidden_keys(value: Json) -> Iterator[str]:
    """Yield the keys whose value is hidden."""
    if isinstance(value, dict):
        for key, one in value.items():
            if one == HIDDEN and is_secret(key):
                yield key
            else:
                yield from hidden_keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from hidden_keys(one)


def is_secret(key: str) -> bool:
    """Return whether a key is the name of something that is a secret."""
    return SECRET.search(key) is not None
