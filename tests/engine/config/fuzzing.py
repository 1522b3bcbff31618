"""Broken config texts without end, and what must hold for each.

    scripts/fuzz-config [SECONDS] [SEED]

runs them for as long as one likes; the fast tests run a few hundred.
"""

import contextlib
import random
import sys
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bistro_tui.engine.config.edit import delete_job, save_job, set_enabled
from bistro_tui.engine.config.formats import format_of, read_document
from bistro_tui.engine.config.load import LoadedConfig, load_content
from bistro_tui.engine.config.problems import LocatedProblem, render_problems
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from tests.engine.config.builders import COMMENTED, SEED
from tests.samples import sample_configs

DEADLINE_SEC = 10.0
"""For one text of some kilobytes; far above what it takes on a busy machine."""

SUFFIXES = (".json", ".toml", ".yaml")
NASTY = [
    *(bytes([char]) for char in b"{}[]\"',:#=&*!|>-.\\\n\r\t \x00\xff"),
    *(b"<<: *x", b"&x ", b"*x", b"!!str ", b"!!python/object:os.system ", b"---\n"),
    *(b'"""', b"'''", b"[[a]]\n", b"[a.b]\n", b"a.b.c = 1\n", b"/*", b"*/", b"//"),
    *(b"null", b"~", b"NaN", b".inf", b"-inf", b"1e999", b"0x", b"1_0", b"1979-05-27"),
    *(b"9" * 5000, b"[" * 2000, b"{" * 900, b"{a: " * 900, b"- " * 900, b"a." * 900),
    *(b'"\\u0000"', b'"\\ud800"', b"\\x", b"\xed\xa0\x80"),
    "é日\u2028\x85\ufeff".encode(),
    *("\u202e\x1b[31m".encode(), b"bistro_job->", b"bistro_settings", b"true"),
]


def seeds() -> dict[str, list[bytes]]:
    """Return good texts by suffix."""
    starters = resources.files("bistro_tui.cli") / "starters"
    found: dict[str, list[bytes]] = {suffix: [] for suffix in SUFFIXES}
    for path in sample_configs():
        found[path.suffix].append(path.read_bytes())
    for suffix in SUFFIXES:
        found[suffix].append((starters / f"bistro{suffix}").read_bytes())
    found[".json"] += [SEED.encode(), COMMENTED.encode()]
    # All JSON without comments is YAML, nearly.
    found[".yaml"].append(SEED.encode())
    return found


def mutated(rng: random.Random, text: bytes, other: bytes) -> bytes:
    """Return a text with a few things done to it."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        text = _changed(rng, text, other)
    return text


def _changed(rng: random.Random, text: bytes, other: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    end = min(end, start + rng.choice((1, 5, 40, 400)))
    match rng.randrange(7):
        case 0:
            return text[:start]
        case 1:
            return text[:start] + text[end:]
        case 2:
            return text[:start] + rng.choice(NASTY) + text[start:]
        case 3:
            return text[:start] + rng.choice(NASTY) + text[end:]
        case 4:
            cut = rng.randrange(len(other) + 1)
            return text[:start] + other[cut : cut + end - start + 20] + text[start:]
        case 5:
            return text[:end] + text[start:end] * rng.choice((1, 2, 50)) + text[end:]
        case _:
            changed = bytearray(text)
            for _ in range(3):
                if changed:
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
            return bytes(changed)


def check(content: bytes, suffix: str) -> LoadedConfig:
    """Load a text as a file of that suffix would be, and hold it to the rules."""
    path = Path(f"fuzzed{suffix}")
    began = time.monotonic()
    loaded = load_content(path, content)
    lines = [line.removesuffix("\r") for line in loaded.text.split("\n")]
    lines[0] = lines[0].removeprefix("\ufeff")
    for problem in (*loaded.problems, *loaded.warnings):
        _check_place(problem, lines)
        assert problem.as_line().isprintable()
    shown = render_problems((*loaded.problems, *loaded.warnings), loaded.text)
    assert all(line.isprintable() for line in shown.split("\n"))
    if loaded.config is None:
        assert loaded.settings_problems
    else:
        _check_edits(loaded, suffix)
        if len(content) % 4 == 0:  # the slower half of the work
            _check_saves(loaded, suffix)
    taken = time.monotonic() - began
    assert taken < DEADLINE_SEC, f"{taken:.1f} s"
    return loaded


def _check_place(problem: LocatedProblem, lines: list[str]) -> None:
    assert 1 <= problem.line <= len(lines), problem
    assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem


def _check_edits(loaded: LoadedConfig, suffix: str) -> None:
    assert loaded.config is not None
    config_format = format_of(Path(f"x{suffix}"))
    for job in list(loaded.config.jobs.values())[:3]:
        try:
            changed = set_enabled(loaded.text, job.name, not job.enabled, config_format)
        except ControlRefused:
            continue
        again = load_content(Path(f"fuzzed{suffix}"), changed.encode())
        assert again.config is not None
        assert again.config.jobs[job.name].enabled is not job.enabled
        others = {name for name in again.config.jobs if name != job.name}
        for name in others:
            assert again.config.jobs[name].enabled is loaded.config.jobs[name].enabled


def _check_saves(loaded: LoadedConfig, suffix: str) -> None:
    assert loaded.config is not None
    config_format = format_of(Path(f"x{suffix}"))
    before = read_document(loaded.text, config_format).value
    for name in list(loaded.config.jobs)[:1]:
        key = f"bistro_job->{name}"
        if key not in before:  # it is shown in other letters
            continue
        wanted = {"é": {"x": [1.5, True]}, **before[key], "owner": 'f"uzz'}
        wanted = {one: wanted[one] for one in wanted if one != "command"}
        with contextlib.suppress(ControlRefused):
            changed = save_job(loaded.text, name, wanted, config_format)
            after = read_document(changed, config_format).value
            assert after == {**before, key: wanted}
        with contextlib.suppress(ControlRefused):
            changed = delete_job(loaded.text, name, config_format)
            after = read_document(changed, config_format).value
            assert after == {one: before[one] for one in before if one != key}
        other = JobName(f"{name} too")
        with contextlib.suppress(ControlRefused):
            changed = save_job(loaded.text, other, wanted, config_format)
            after = read_document(changed, config_format).value
            assert after == {**before, f"{key} too": wanted}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many texts were tried, and how many of them are configs."""

    tried: int
    good: int


def fuzz(seed: int, *, count: int | None = None, seconds: float = 0) -> Tally:
    """Try texts until there were ``count``, or ``seconds`` are over."""
    rng = random.Random(seed)
    known = seeds()
    ends = time.monotonic() + seconds
    tried = good = 0
    while tried < count if count is not None else time.monotonic() < ends:
        suffix = rng.choice(SUFFIXES)
        other = rng.choice(known[rng.choice(SUFFIXES)])
        content = mutated(rng, rng.choice(known[suffix]), other)
        try:
            loaded = check(content, suffix)
        except BaseException as error:
            error.add_note(f"text {tried} of seed {seed}, {suffix}: {content!r}")
            raise
        tried += 1
        good += loaded.config is not None
    return Tally(tried, good)


def main(arguments: list[str]) -> None:
    """Fuzz for some seconds, with a seed that is told."""
    seconds = float(arguments[0]) if arguments else 60.0
    some = random.SystemRandom().getrandbits(32)
    seed = int(arguments[1]) if len(arguments) > 1 else some
    print(f"seed {seed}, {seconds:.0f} s")
    tally = fuzz(seed, seconds=seconds)
    print(f"{tally.tried} texts, {tally.good} of them configs; nothing wrong")


if __name__ == "__main__":
    main(sys.argv[1:])
