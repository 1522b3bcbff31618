"""Questions to workers about their lines, and what may be taken for an answer. Pure."""

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.patterns import Wanted
from bistro_tui.engine.logs.peers import PeerAway
from bistro_tui.engine.logs.query import LAST_ID, OUTPUT, THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import LogTail, StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.remote import messages
from bistro_tui.engine.remote.messages import LogLine, QueryLogs

MOST_TAIL_LINES = 5_000


def question_of(asked: LogQuery, attempt: InvocationId | None) -> QueryLogs:
    """Return the question as a worker is asked it.

    Raises PeerAway for one that cannot be put into a message.
    """
    wanted = asked.pattern.wanted if asked.pattern is not None else Wanted()
    texts = (wanted.text, wanted.regex, *asked.jobs, *asked.nodes)
    if not all(map(_is_unicode, texts)):
        raise PeerAway("cannot be asked for what is not valid Unicode text")
    return QueryLogs(
        log_types=tuple(stream.value for stream in asked.streams),
        jobs=asked.jobs,
        nodes=asked.nodes,
        line_id=asked.line_id,
        ascending=asked.ascending,
        limit=asked.limit,
        regex=wanted.regex,
        text=wanted.text,
        invocation=attempt,
        ignores_case=wanted.ignores_case,
        stop_id=asked.stop_id,
    )


def query_of(question: QueryLogs) -> LogQuery:
    """Return what a worker is asked, but for a pattern. Raises ValueError."""
    jobs, nodes = question.jobs, question.nodes
    if question.invocation is not None and not len(jobs) == len(nodes) == 1:
        raise ValueError("lines of one attempt are of one job and one node")
    return LogQuery(
        streams=tuple(dict.fromkeys(map(Stream, question.log_types))),
        jobs=tuple(map(JobName, jobs)),
        nodes=tuple(map(NodeName, nodes)),
        line_id=question.line_id,
        stop_id=question.stop_id,
        ascending=question.ascending,
        limit=max(1, question.limit),
    )


def page_in(answer: messages.LogLines, asked: LogQuery) -> QueryPage:
    """Return the page that a worker answered. Raises PeerAway if it cannot be one.

    What it says is in order, within what was asked, and comes to an end when it is
    asked to go on.
    """
    lines = tuple(map(_stored, answer.lines))
    sign = 1 if asked.ascending else -1
    end = answer.next_line_id
    ids = [sign * line.line_id for line in lines]
    begin = sign * (asked.lowest if asked.ascending else asked.highest)
    is_good = (
        all(line.stream in asked.streams for line in lines)
        and all(asked.lowest <= line.line_id <= asked.highest for line in lines)
        and ids == sorted(ids)
        and 0 <= answer.last_id <= LAST_ID
        and (
            end is None
            or (0 <= end <= LAST_ID and sign * end > (ids[-1] if ids else begin))
        )
    )
    if not is_good:
        raise PeerAway("gave lines that were not asked for")
    return QueryPage(
        lines=lines,
        next_line_id=THE_END if end is None else end,
        last_id=answer.last_id,
    )


def tail_in(answer: messages.LogTail, after: int) -> LogTail:
    """Return the newest lines that a worker answered. Raises PeerAway."""
    lines = tuple(map(_stored, answer.lines))
    ids = [line.line_id for line in lines]
    is_good = (
        all(line.stream in OUTPUT for line in lines)
        and ids == sorted(ids)
        and (not ids or (after < ids[0] and ids[-1] <= answer.last_id))
        and answer.last_id <= LAST_ID
        and set(answer.partial) <= set(OUTPUT)
    )
    if not is_good:
        raise PeerAway("gave lines that were not asked for")
    return LogTail(
        lines=lines,
        last_id=max(after, answer.last_id),
        partial={Stream(name): text for name, text in answer.partial.items()},
    )


def told(line: StoredLine) -> tuple[str, LogLine]:
    """Return a line as a worker tells it."""
    job, node = line.task
    return line.stream.value, LogLine(
        line_id=line.line_id, job=job, node=node, line=line.line
    )


def _stored(row: tuple[str, LogLine]) -> StoredLine:
    name, line = row
    try:
        stream = Stream(name)
    except ValueError:
        raise PeerAway("gave lines of a log that nobody knows") from None
    task = TaskId(JobName(line.job), NodeName(line.node))
    return StoredLine(line.line_id, task, stream, line.line)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
