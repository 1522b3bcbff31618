"""Messages over a stream that is cut anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.warden.wire import (
    Credit,
    Decoder,
    Ended,
    Kill,
    Message,
    NotStarted,
    Output,
    Settled,
    Usage,
    encode,
)

messages = st.one_of(
    st.builds(Kill, st.integers(0, 2**62), st.integers(0, 2), st.floats(0, 1e9)),
    st.builds(Credit, st.integers(0, 2**62), st.integers(0, 2**20)),
    st.builds(Settled, st.lists(st.integers(0, 2**62)).map(tuple)),
    st.builds(Output, st.integers(0, 9), st.sampled_from((1, 2)), st.binary()),
    st.builds(NotStarted, st.integers(0, 9), st.text(), st.integers(0, 200), st.text()),
    st.builds(
        Usage,
        st.lists(
            st.tuples(
                st.integers(0, 9), st.integers(0, 9), st.floats(0, 9), st.integers(0, 9)
            )
        ).map(tuple),
    ),
)


@given(sent=st.lists(st.lists(messages, min_size=1)), cuts=st.lists(st.integers(1, 40)))
def test_what_is_sent_is_heard_wherever_the_stream_is_cut(
    sent: list[list[Message]], cuts: list[int]
) -> None:
    stream = b"".join(map(encode, sent))
    decoder, heard = Decoder(), []
    for cut in cuts:
        heard += decoder.feed(stream[:cut])
        stream = stream[cut:]
    heard += decoder.feed(stream)
    assert heard == [one for frame in sent for one in frame]


def test_kinds_come_back_as_they_were() -> None:
    end = Ended(1, 2, 0, 0, False, True, False, None, b"out", b"err", 0.5, 4096, False)
    [heard] = Decoder().feed(encode([end]))
    assert isinstance(heard, Ended)
    assert heard == end
