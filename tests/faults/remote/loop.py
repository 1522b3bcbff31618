"""Faults in pools of workers, for as long as one likes.

A seed that breaks something is printed with what was broken; it begins with the same
faults again: scripts/fault-remote 0 SEED.
"""

import argparse
import io
import random
import shutil
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from tests.e2e.program import Place
from tests.faults.remote.scenarios import SCENARIOS
from tests.faults.seeds import chosen_seed


def main() -> int:
    """Return 1 if something was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("seed", type=int, nargs="?", default=chosen_seed())
    parser.add_argument("--only", choices=SCENARIOS, help="that scenario")
    parser.add_argument("--times", type=int, default=2, help="each fault, in a pool")
    parser.add_argument("--keep", type=Path, help="a directory for what is broken")
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    seed, rounds, faults, attempts, broken = given.seed, 0, 0, 0, 0
    names = [given.only] if given.only else [*SCENARIOS]
    print(f"from seed {seed} on")
    while not rounds or time.monotonic() < until:
        name = names[seed % len(names)]
        place = Place(Path(tempfile.mkdtemp(prefix="bistro-fault-")))
        told = io.StringIO()
        try:
            with redirect_stdout(told):
                run = SCENARIOS[name](place, random.Random(seed), given.times)
        except AssertionError as found:
            broken += 1
            print(f"seed {seed} ({name}): {str(found)[:500]}", flush=True)
            if given.keep is not None:
                kept = given.keep / str(seed)
                sockets = shutil.ignore_patterns("*.sock")
                shutil.copytree(place.path, kept, symlinks=True, ignore=sockets)
                (kept / "told").write_text(told.getvalue())
        else:
            faults += len(run.faults)
            attempts += run.attempts
            print(f"seed {seed} ({name}): {told.getvalue().splitlines()[-1]}")
        shutil.rmtree(place.path, ignore_errors=True)
        seed, rounds = seed + 1, rounds + 1
    print(f"{rounds} pools, {faults} faults, {attempts} attempts, {broken} broken")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
