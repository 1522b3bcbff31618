"""A scheduler comes back with another data directory, and so with another token."""

import pytest

from tests.e2e.pool import QUICK, Pool, until
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

ONE_NODE = {
    "levels": ["host"],
    "node_source": "manual",
    "node_source_prefs": {"n1": []},
}


def test_a_worker_goes_on_with_the_token_that_its_scheduler_has_now(
    place: Place,
) -> None:
    job = ("a", {"command": shell("echo done > $2")})
    config = place.write_config(config_of(job, settings={"nodes": ONE_NODE}))
    with Pool(place) as pool:
        scheduler = pool.scheduler(config)
        port = pool.port()
        pool.worker("w1")
        until(lambda: pool.is_all_done(1))
        scheduler.kill()
        scheduler.wait()
        where = ("--data-dir", place.path / "new", "--server-port", port)
        quick = ("--no-ui", *QUICK, "--exit-when-done")
        again = pool.start("again", config, *where, *quick)
        assert again.wait(60) == 0, pool.said("again")
        said = "your scheduler on this host has another token now; trying with that one"
        assert said in pool.said("w1")
