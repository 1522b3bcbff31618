"""Any picture that a scheduler could show, as hypothesis strategies."""

import json

from hypothesis import strategies as st

from bistro_tui.engine.ids import JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.scheduling.reasons import Check, Explanation, Reason
from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    EngineState,
    JobRow,
    LogLine,
    LogPage,
    NodeRow,
    RunningRow,
    Snapshot,
    Stream,
    Usage,
    WorkerRow,
)


def _as_json_has_it(text: str) -> str:
    # A lone surrogate is a text in JSON; two that fit each other are one character.
    found: str = json.loads(json.dumps(text))
    return found


texts = st.text(max_size=6).map(_as_json_has_it) | st.text(
    st.characters(categories=("Cs", "Cc", "Lu")), max_size=3
).map(_as_json_has_it)
names = st.sampled_from(["a", "b", "c", "\udcff", "tab\t"]) | texts
whole = st.integers(0, 3) | st.integers(-(2**70), 2**70)
seconds = st.integers(0, 3).map(float) | st.floats(allow_nan=False)
reasons = st.sampled_from(Reason)
counts = st.dictionaries(reasons, whole, max_size=3)
tasks = st.builds(TaskId, names.map(JobName), names.map(NodeName))

job_rows = st.builds(
    JobRow,
    name=names.map(JobName),
    owner=texts,
    enabled=st.booleans(),
    errors=st.lists(texts, max_size=2).map(tuple),
    level=names.map(LevelName),
    priority=seconds,
    tasks=whole,
    counts=counts,
    in_config=st.booleans(),
    eta=st.none() | seconds,
)
usages = st.lists(st.builds(Usage, names, whole, whole), max_size=2).map(tuple)
node_rows = st.builds(
    NodeRow,
    names.map(NodeName),
    names.map(LevelName),
    whole,
    st.booleans(),
    usages,
    whole,
)
running_rows = st.builds(
    RunningRow,
    tasks,
    names,
    st.none() | whole,
    seconds,
    whole,
    names,
    st.booleans(),
    st.none() | seconds,
    texts,
    st.none() | whole,
    st.none() | seconds,
    st.none() | whole,
)
ended_rows = st.builds(
    EndedRow,
    task=tasks,
    result=reasons,
    detail=texts,
    ended=seconds,
    seconds=seconds,
    retry_at=st.none() | seconds,
    worker=texts,
)
worker_rows = st.builds(
    WorkerRow,
    names.map(NodeName),
    texts,
    names,
    whole,
    usages,
    st.none() | seconds,
    seconds,
    texts,
    st.none() | whole,
)
states = st.builds(
    EngineState,
    word=texts,
    text=texts,
    instance=texts,
    config_path=texts,
    config_version=whole,
    config_loaded=seconds,
    data_dir=texts,
    started=seconds,
    all_done=st.booleans(),
    is_stuck=st.booleans(),
)
banners = st.builds(Banner, topic=texts, text=texts, is_error=st.booleans())
snapshots = st.builds(
    Snapshot,
    serial=whole,
    now=seconds,
    state=states,
    banners=st.lists(banners, max_size=2).map(tuple),
    totals=counts,
    jobs=st.lists(job_rows, max_size=4).map(tuple),
    nodes=st.lists(node_rows, max_size=4).map(tuple),
    running=st.lists(running_rows, max_size=4).map(tuple),
    ended=st.lists(ended_rows, max_size=4).map(tuple),
    starts=whole,
    structure=whole,
    worker_usage=usages,
    workers=st.lists(worker_rows, max_size=3).map(tuple),
    initial_wait=texts,
    wait_until=st.none() | seconds,
    missing_workers=whole,
)
streams = st.sampled_from(Stream)
log_lines = st.builds(LogLine, whole, tasks, streams, st.binary(max_size=5))
pages = st.builds(
    LogPage,
    lines=st.lists(log_lines, max_size=3).map(tuple),
    last_id=whole,
    partial=st.dictionaries(streams, st.binary(max_size=5), max_size=2),
    attempt_running=st.booleans(),
    unasked=st.lists(texts, max_size=2).map(tuple),
)
explanations = st.builds(
    Explanation,
    task=tasks,
    reason=reasons,
    checks=st.lists(
        st.builds(Check, check=texts, ok=st.booleans(), text=texts), max_size=2
    ).map(tuple),
    holders=st.lists(tasks, max_size=2).map(tuple),
    would_run_if=texts,
)
