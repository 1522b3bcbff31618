import asyncio
import threading

import pytest

from bistro_tui.cli.engine_loop import THREADS, run_engine


def test_the_engines_loop_starts_no_thread_while_it_serves_or_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def serve() -> list[str]:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        names = [asyncio.to_thread(_own_name) for _ in range(3 * THREADS)]
        return await asyncio.gather(*names)

    assert all(name.startswith("bistro pool") for name in run_engine(serve()))


def _own_name() -> str:
    return threading.current_thread().name
