"""An engine whose every foreign text is an order to a terminal, or markup."""

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Attempt,
    Banner,
    Claims,
    ConfigFacts,
    ConfigProblem,
    Failure,
    Holding,
    JobFacts,
    JobGrid,
    JobName,
    LevelName,
    NodeName,
    Notice,
    Reason,
    ResourceName,
    Stream,
    TaskRow,
    Waiting,
)
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    engine_state,
    explanation,
    job,
    node,
    running,
    snapshot,
    task,
)

HOSTILE = (
    "[/bold]",
    "[@click=app.quit]x[/]",
    "[node_modules]",
    "\x1b]0;x\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[H",
    "\x9b2J",
    "\u202egnp.exe",
    "nul\x00byte",
    "lone\ud800",
    "x" * 10_000,
    "漢字テスト" * 20,
    "e\u0301" * 30,
    "\u0301\u0302",
    "👨\u200d👩\u200d👧 ❤\ufe0f 🇩🇪",
    "tab\tnew\nline\r",
    "",
    " ",
)


class HostileEngine(ScriptedEngine):
    """Refuses everything in the words of what was asked for."""

    def _answer(self, text: str) -> str:
        raise ControlRefused(text)


def hostile_engine(*evils: str) -> HostileEngine:
    """Return an engine whose every foreign text is hostile, also in its answers."""
    first = evils[0]
    engine = HostileEngine(
        current=snapshot(
            state=engine_state(instance=first, text=first, config_path=f"/x/{first}"),
            banners=tuple(Banner(topic=evil, text=f"{evil}\n{evil}") for evil in evils),
            jobs=tuple(
                job(evil, {Reason.RUNNING: 1}, owner=evil, errors=(evil,))
                for evil in evils
            ),
            nodes=tuple(
                node(evil, depth, (evil, 1, 2), level=evil, enabled=depth != 1)
                for depth, evil in enumerate(evils)
            ),
            running=tuple(
                running(evil, evil, worker=evil, invocation=evil) for evil in evils
            ),
            ended=tuple(
                ended(evil, evil, result=Reason.FAILED, detail=evil, retry_at=NOW)
                for evil in evils
            ),
        )
    )
    for evil in evils:
        whose = task(evil, evil)
        engine.write(whose, evil)
        engine.write(whose, evil, stream=Stream.STDERR)
        engine.partial[whose] = {Stream.STDOUT: evil.encode("utf-8", "replace")}
        engine.explanations[whose] = explanation(
            whose,
            Reason.RESOURCE,
            (evil, False, evil),
            holders=(whose,),
            would_run_if=evil,
        )
    _answer_hostile(engine, evils)
    return engine


def _answer_hostile(engine: HostileEngine, evils: tuple[str, ...]) -> None:
    reasons = list(Reason)
    names = tuple(JobName(evil) for evil in evils)
    nodes = tuple(NodeName(evil) for evil in evils)
    for at, evil in enumerate(evils):
        whose, name = task(evil, evil), JobName(evil)
        raw = evil.encode("utf-8", "replace")
        engine.task_rows.append(
            TaskRow(whose, reasons[at % len(reasons)], NOW - at, 1, NOW + at, evil)
        )
        engine.attempts.append(
            Attempt(
                task=whose, invocation=evil, started=NOW - 60 * at - 50,
                ended=NOW - 60 * at, result=evil if at % 2 else "done", exit=evil,
                detail=evil, worker=evil, peak_memory=1, cpu_seconds=1.0,
            )
        )  # fmt: skip
        engine.failed.append(
            Failure(
                task=whose, reason=Reason.FAILED, ended=NOW - at, exit=evil,
                last_line=raw, line_id=1 + at,
            )
        )  # fmt: skip
        engine.facts[name] = JobFacts(
            job=name, facts=((evil, evil),), depends_on=names, needed_by=names,
            file=f"/x/{evil}", line=1, excerpt=(evil, evil), throughput=1.0,
            median_seconds=1.0,
        )  # fmt: skip
        engine.grids[name] = JobGrid(
            job=name, level=LevelName(evil), nodes=nodes,
            reasons=bytes(n % len(reasons) for n in range(len(nodes))),
        )  # fmt: skip
        engine.claimed[NodeName(evil), ResourceName(evil)] = Claims(
            node=NodeName(evil), resource=ResourceName(evil), used=1, limit=2,
            holders=(Holding(task=whose, amount=1),),
            waiters=(Waiting(job=name, need=1, tasks=1, first=whose),),
        )  # fmt: skip
        engine.said.append(Notice(serial=at + 1, at=NOW, level="error", text=evil))
    engine.config = ConfigFacts(
        path=f"/x/{evils[0]}", version=1, loaded=NOW, is_in_force=False,
        problems=tuple(
            ConfigProblem(
                file=evil, line=1, column=1, path=evil, message=evil,
                job=JobName(evil), is_error=True,
            )
            for evil in evils
        ),
    )  # fmt: skip
