"""What happened to a task, in a few words. Pure."""

import json


def event_text(line: bytes) -> str:
    """Return an event as people read it, from its JSON; all of it if it is no event."""
    whole = line.decode("utf-8", "replace")
    try:
        found = json.loads(whole)
    except (ValueError, RecursionError):
        return whole
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        return whole
    more = found.get("message")
    status = found.get("status")
    if isinstance(status, dict) and type(status.get("result_bits")) is int:
        more = _status(status)
    about = str(found["event"])
    return f"{about}: {more}" if isinstance(more, str) and more else about


def _status(status: dict[str, object]) -> str:
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.history import result_word

    bits, data = status["result_bits"], status.get("data")
    word = result_word(bits) if isinstance(bits, int) else ""
    complaint = data.get("exception") if isinstance(data, dict) else None
    return f"{word}: {complaint}" if isinstance(complaint, str) else word
