"""How a screen was left, through JSON and back."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.present.left_off import (
    PageLeft,
    PaneLeft,
    ScreenLeft,
    from_json,
    to_json,
)
from bistro_tui.present.table import Order
from bistro_tui.present.things import (
    JobThing,
    NodeThing,
    ResourceThing,
    TaskThing,
    WorkerThing,
)

TEXT = st.text(max_size=8)
NAMES = st.builds(NodeName, TEXT)
JOBS = st.builds(JobName, TEXT)
THINGS = st.one_of(
    st.none(),
    st.builds(JobThing, name=JOBS),
    st.builds(NodeThing, name=NAMES),
    st.builds(WorkerThing, shard=NAMES),
    st.builds(
        ResourceThing,
        node=NAMES,
        level=st.builds(LevelName, TEXT),
        resource=st.builds(ResourceName, TEXT),
    ),
    st.builds(TaskThing, task=st.builds(TaskId, JOBS, NAMES)),
)
PANES = st.builds(
    PaneLeft,
    filter_text=TEXT,
    order=st.none() | st.builds(Order, title=TEXT, down=st.booleans()),
)
PAGES = st.builds(
    PageLeft,
    thing=THINGS,
    pane=st.integers(0, 9),
    panes=st.lists(PANES, max_size=3).map(tuple),
)
SCREENS = st.builds(
    ScreenLeft, page=TEXT, pages=st.dictionaries(TEXT, PAGES, max_size=3)
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["page", "pages", "1", "thing", "pane", "panes", "filter", "order"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(SCREENS)
def test_what_was_kept_comes_back(left: ScreenLeft) -> None:
    assert from_json(json.loads(json.dumps(to_json(left)))) == left


@given(JSONS)
def test_whatever_a_file_says_is_read_as_far_as_it_is_understood(told: Any) -> None:
    found = from_json(told)
    assert found is None or from_json(to_json(found)) == found
