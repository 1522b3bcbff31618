from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.client.event_stream import EventStreamParser, ServerEvent

SENT = (
    b"retry: 1000\n\n: nothing\n\nid: a-1\nevent: snapshot\ndata: {\r\ndata:}\n\n"
    b"data: 2\n\nevent: lost\n\nid\nunknown: field\ndata: 3\n\ndata: unfinished"
)


@given(st.lists(st.integers(0, len(SENT)), max_size=8))
def test_events_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    parser = EventStreamParser()
    edges = [0, *sorted(cuts), len(SENT)]
    found: list[ServerEvent] = []
    for begin, end in pairwise(edges):
        found += parser.feed(SENT[begin:end])
    assert found == [
        ServerEvent("a-1", "snapshot", b"{\n}"),
        ServerEvent("a-1", "message", b"2"),
        ServerEvent("", "message", b"3"),
    ]
