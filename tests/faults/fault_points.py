"""Every n-th call of the scripted run, one after the other, until a run has no n-th.

    scripts/fault-points [kill|kill-again|fail] [FAULT CALLS [PATH [N]]]

does all of every kind, or of one; with a fault and calls as it prints them only those,
and with a number only that one.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.nth_calls import MODES, Mode
from tests.faults.strace import Calls, Point

AT_ONCE = 2


def run_all(mode: Mode, calls: Calls, fault: str) -> tuple[int, list[str]]:
    """Return how many points there were, and what was wrong at which."""
    wrong = []
    for point in mode.every_point(calls, fault):
        was_reached, told = run_one(mode, point)
        if told:
            wrong.append(told)
        if not was_reached:
            return point.n - 1, wrong
    raise AssertionError


def run_one(mode: Mode, point: Point) -> tuple[bool, str]:
    """Return whether there was such a call, and what was wrong."""
    with tempfile.TemporaryDirectory(prefix="fault-points-") as directory:
        try:
            return mode.try_one(Path(directory) / "run", point), ""
        except AssertionError as error:
            print(f"WRONG: {point}\n{error}", flush=True)
            return True, str(point)


def main(argv: list[str]) -> int:
    """Return 0 when nothing was wrong."""
    names = argv[:1] if argv else list(MODES)
    chosen = argv[1:]
    wrong: list[str] = []
    for name in names:
        mode = MODES[name]
        targets = [
            (calls, fault)
            for calls, fault in mode.targets
            if not chosen or f"{fault} {calls}".startswith(" ".join(chosen[:3]))
        ]
        if len(chosen) > 3:
            calls, fault = targets[0]
            point = Point(calls=calls, fault=fault, n=int(chosen[3]))
            return 1 if run_one(mode, point)[1] else 0
        total = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = pool.map(lambda one, mode=mode: run_all(mode, *one), targets)
            for (calls, fault), (number, told) in zip(targets, results, strict=True):
                print(f"{number:4} {name} {fault} {calls}", flush=True)
                total += number
                wrong += told
        print(f"{total:4} {name} in all, wrong so far: {len(wrong)}", flush=True)
    for one in wrong:
        print(f"WRONG: {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
