"""Faults in pools of workers, for as long as one likes.

A seed that breaks something is printed with what was broken; it begins with the same
faults again: scripts/fault-remote 0 SEED.
"""

import argparse
import io
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.program import Place
from tests.faults.remote.by_default import at_default_times
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.mutants import MUTANTS
from tests.faults.remote.scenarios import SCENARIOS, Size
from tests.faults.seeds import chosen_seed


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One life of a pool, to be run in a process of its own."""

    name: str
    seed: int
    size: Size
    seconds: float
    """Those that are left, where it takes as long as there is time."""
    keep: Path | None

    def judged(self) -> "Judged":
        place = Place(Path(tempfile.mkdtemp(prefix="bistro-fault-")))
        told, rng = io.StringIO(), random.Random(self.seed)
        faults = attempts = 0
        broken = ""
        try:
            with redirect_stdout(told):
                run = self._run(place, rng)
            faults, attempts = len(run.faults), run.attempts
        except Exception as found:  # noqa: BLE001 - the others go on
            broken = f"{type(found).__name__}: {found}"
            if self.keep is not None:
                self._keep(self.keep, place, f"{told.getvalue()}\n{broken}\n")
        shutil.rmtree(place.path, ignore_errors=True)
        last = told.getvalue().rstrip().rpartition("\n")[2]
        return Judged(
            said=broken[:500] or last,
            faults=faults,
            attempts=attempts,
            is_broken=bool(broken),
        )

    def _run(self, place: Place, rng: random.Random) -> Cluster:
        if self.name in SCENARIOS:
            return SCENARIOS[self.name](place, rng, self.size)
        return at_default_times(place, rng, self.size, self.seconds)

    def _keep(self, keep: Path, place: Place, told: str) -> None:
        kept = keep / str(self.seed)
        sockets = shutil.ignore_patterns("*.sock")
        shutil.copytree(place.path, kept, symlinks=True, ignore=sockets)
        (kept / "told").write_text(told)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What became of a pool."""

    said: str
    faults: int
    attempts: int
    is_broken: bool


def main() -> int:
    """Return 1 if something was broken; with ``--mutant``, if nothing was."""
    given = _given()
    names = [given.only] if given.only else [*SCENARIOS]
    if given.default_times:
        names = ["default times"]
    until = time.monotonic() + given.seconds
    seed, found = given.seed, list[Judged]()
    print(f"from seed {seed} on", flush=True)
    size = Size(times=given.times, workers=given.workers, mutant=given.mutant)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.at_once, mp_context=context) as executor:
        running: dict[Future[Judged], Pool] = {}
        while True:
            left = until - time.monotonic()
            while len(running) < given.at_once and (left > 0 or not (found or running)):
                pool = Pool(
                    name=names[seed % len(names)],
                    seed=seed,
                    size=size,
                    seconds=left,
                    keep=given.keep,
                )
                running[executor.submit(pool.judged)] = pool
                seed += 1
            if not running:
                break
            for one in wait(running, return_when=FIRST_COMPLETED).done:
                pool, judged = running.pop(one), one.result()
                print(f"seed {pool.seed} ({pool.name}): {judged.said}", flush=True)
                found.append(judged)
    faults = sum(one.faults for one in found)
    attempts = sum(one.attempts for one in found)
    broken = sum(one.is_broken for one in found)
    seconds = time.monotonic() - until + given.seconds
    print(
        f"{len(found)} pools, {faults} faults, {attempts} attempts, {broken} broken,"
        f" {seconds:.0f} s"
    )
    return int((broken > 0) is not bool(given.mutant))


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("seed", type=int, nargs="?", default=chosen_seed())
    parser.add_argument("--only", choices=SCENARIOS, help="that scenario")
    parser.add_argument("--times", type=int, default=4, help="each fault, in a pool")
    parser.add_argument("--workers", type=int, default=3, help="in a pool")
    parser.add_argument("--at-once", type=int, default=2, help="pools")
    parser.add_argument(
        "--default-times",
        action="store_true",
        help="change no time of the program; with 960 s or more also what takes"
        " until a worker is lost",
    )
    parser.add_argument("--mutant", choices=MUTANTS, default="", help="is to be found")
    parser.add_argument("--keep", type=Path, help="a directory for what is broken")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
