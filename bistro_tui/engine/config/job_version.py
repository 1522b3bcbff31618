"""What a job is compared by before it is saved. Pure."""

import hashlib
import json

from bistro_tui.engine.config.model import Json

BITS = 53
"""What a number of JavaScript holds exactly, so that no client rounds a version."""


def job_version(job_json: Json) -> str:
    """Return decimal digits that differ when the job's object in the file does.

    ``jobs`` shows them as the number ``version_id``; a client gives them back as
    ``version``, as a number or a text. The order of keys and the layout do not count,
    nor do the comments. Source: Bistro, config/Job (``version_id``: for
    compare-and-swap), whose loaders count versions instead.
    """
    text = json.dumps(job_json, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    return str(int.from_bytes(digest[:8], "big") >> (64 - BITS))
