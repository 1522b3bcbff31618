"""The last that an attempt said whose lines are on another host."""

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.asking_peers import page_in, question_of
from bistro_tui.engine.logs.last_words import LONGEST, LastWords
from bistro_tui.engine.logs.peers import LogPeer
from bistro_tui.engine.logs.query import LogQuery
from bistro_tui.engine.logs.sink import Stream

_LOOKED_AT = 20
"""Lines among which one is looked for that is not blank."""


def words_of_who_is_away(words: LastWords) -> LastWords:
    """Return what is told in place of the last line while nobody can read it."""
    text = f"(its output is on worker {words.worker}, which does not answer now)"
    line = text.encode("utf-8", "surrogateescape")
    return words._replace(line=line, line_id=0, is_known=False)


async def last_words_on(peer: LogPeer, task: TaskId, words: LastWords) -> LastWords:
    """Return the words with the last line that is on that worker. Raises PeerAway."""
    for stream in (Stream.STDERR, Stream.STDOUT):
        asked = LogQuery(
            streams=(stream,), jobs=(task.job,), nodes=(task.node,), limit=_LOOKED_AT
        )
        answer = await peer.query(question_of(asked, words.invocation))
        for line in page_in(answer, asked).lines:
            if line.line.strip():
                said = line.line[:LONGEST].rstrip()
                return words._replace(line=said, line_id=line.line_id, is_known=True)
    return words._replace(line=b"", line_id=0, is_known=True)
