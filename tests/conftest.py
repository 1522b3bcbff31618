import logging
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How quickly examples are made says something of the machine, not of the code.
settings.register_profile(
    "ours", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")

# Under nohup every program that a test starts would ignore it as well.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have no scheduler of a test be found among those of who runs the tests.

    Nor does the screen look as they want theirs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def our_log() -> Iterator[None]:
    """Take back how a program that ran in this process has set up its log."""
    log = logging.getLogger("bistro_tui")
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    yield
    for handler in log.handlers:
        if handler not in handlers:
            handler.close()
    log.handlers, log.propagate = handlers, propagate
    log.setLevel(level)
