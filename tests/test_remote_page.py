"""What the page about workers says is what the program says and does."""

import ast
import re
from pathlib import Path

from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.worker import worker_command
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.config.text import parse_json
from bistro_tui.engine.remote.times import PoolTimes

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "remote.md").read_text(encoding="utf-8")
HEARTBEAT_SEC = next(
    float(str(one.default))
    for one in worker_command.params
    if one.name == "heartbeat_period_sec"
)


def section(title: str) -> str:
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the rows of all tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    heads = ("It says", "Words", "Flag", "Flag of the scheduler", "Key", "")
    return [row for row in cells if row[0] not in heads]


def said(*places: str) -> set[str]:
    """Return all texts that are written in those modules."""
    found = set()
    for place in places:
        for path in (REPOSITORY / "bistro_tui" / place).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


def test_each_message_that_it_explains_is_one_that_the_program_says() -> None:
    texts = said("engine", "cli")
    explained = [
        re.findall("`([^`]+)`", cells[0])
        for cells in rows(section("When it does not work"))
    ]
    assert len(explained) > 20
    for messages in explained:
        assert messages
        for message in messages:
            assert any(message in text for text in texts), message


def test_the_defaults_of_the_times_are_those_of_the_flags() -> None:
    known = {f"--{flag.name}": flag.default for flag in all_flags()}
    seen = 0
    for flags, default, _ in rows(section("The times")):
        names = re.findall("`([^`]+)`", flags)
        numbers = [float(one) for one in re.findall(r"-?\d+", default)]
        assert [float(known[name]) for name in names] == (numbers or [0.0]), flags
        seen += len(names)
    assert seen == 12
    assert f"`--heartbeat-period-sec` ({HEARTBEAT_SEC:g})" in section("The times")


def test_the_waits_that_it_tells_come_of_these_times() -> None:
    times = PoolTimes()
    lost = section("What happens when things fail")
    assert f"less than {HEARTBEAT_SEC + times.heartbeat_grace_period:g} s" in lost
    assert f"and {times.lose_unhealthy_worker_after:g} s more" in lost
    kill_sec = times.suicide_task_kill_wait_ms // 1_000
    soonest = times.suicide_backoff_safety_margin_sec + kill_sec + 1
    assert f"no sooner than {soonest:g} s later" in lost
    assert f"after {kill_sec} s SIGKILL" in lost
    assert f"after {times.safe_initial_wait:g} s, unless" in section(
        "When a scheduler starts"
    )


def test_every_flag_of_both_sides_is_told() -> None:
    of_pool = [
        name
        for name in (flag.name for flag in all_flags() if not flag.no_effect)
        if name.startswith(
            (
                "server-",
                "heart",
                "health",
                "lose",
                "allow",
                "unsure",
                "CAUTION",
                "thrift",
            )
        )
    ]
    of_worker = [
        option.removeprefix("--")
        for param in worker_command.params
        if not getattr(param, "hidden", False)
        for option in param.opts
    ]
    assert len(of_pool) > 14
    for name in (*of_pool, "worker-check-interval", "runner", *of_worker):
        assert f"`--{name}" in PAGE, name


def test_its_configs_are_good() -> None:
    text, line = re.findall(r"```jsonc\n(.*?)```", PAGE, re.DOTALL)
    parsed = parse_config(parse_json(f"{{{text}}}"))
    assert (parsed.problems, parsed.warnings) == ((), ())
    assert parsed.config is not None
    assert set(parsed.config.jobs) == {"vacuum", "train", "report"}
    nodes = '"nodes": {"levels": [], "node_source": "empty"}, "resources": {}'
    whole = f'{{"bistro_settings": {{"enabled": true, {nodes}, {line}}}}}'
    parsed = parse_config(parse_json(whole))
    assert (parsed.problems, parsed.warnings) == ((), ())
