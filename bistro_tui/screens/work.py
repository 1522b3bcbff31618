"""Background work of a screen, begun without waiting for it."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode


def begin(
    node: DOMNode,
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    name: str,
    exclusive: bool = False,
) -> None:
    """Run ``work`` as a worker of ``node``; it never starts if the app ends before.

    The function is handed over, not its coroutine, so that none is left unawaited.
    """
    # Textual's union of kinds of work leaves the type of the result open. Without a
    # description it writes out the function with its arguments: whole snapshots.
    node.run_worker(
        cast("Callable[[], None]", work),
        name=name,
        group=name,
        description=name,
        exclusive=exclusive,
    )
