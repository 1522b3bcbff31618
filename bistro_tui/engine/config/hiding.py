"""What hides the secrets of jobs from those who may only read."""

import asyncio
from collections.abc import Callable

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.config.redactor import Redactor, redactor_of


class Hiding:
    """Keeps what hides the secrets of one config, made when somebody first needs it."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._making: asyncio.Future[Redactor] | None = None

    async def of(self, config: Config | None) -> Callable[[str], str] | None:
        """Return what hides the values of its secrets in a text; None: it has none."""
        if self._making is None or config is not self._config:
            self._config = config
            # Of ten thousand jobs it takes a second.
            making = asyncio.to_thread(redactor_of, config)
            self._making = asyncio.ensure_future(making)
        redactor = await asyncio.shield(self._making)
        return redactor.hide if redactor else None
