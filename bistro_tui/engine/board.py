"""The error board: what is wrong now, one text a topic; a mended topic disappears.

Source: Bistro, monitor/Monitor (its error map).
"""

from bistro_tui.engine.view import Banner


class Board:
    """Topics and their banners, in the order in which they came up."""

    def __init__(self) -> None:
        self._banners: dict[str, Banner] = {}

    def put(self, topic: str, text: str, *, is_error: bool = True) -> bool:
        """Show this text under the topic, nothing when it is empty.

        Returns whether that changed anything.
        """
        if not text:
            return self._banners.pop(topic, None) is not None
        banner = Banner(topic=topic, text=text, is_error=is_error)
        if self._banners.get(topic) == banner:
            return False
        self._banners[topic] = banner
        return True

    def banners(self) -> tuple[Banner, ...]:
        """Return everything that is on the board."""
        return tuple(self._banners.values())
