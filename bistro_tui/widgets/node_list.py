"""The base of lists of nodes: 100,000 rows of which only those in sight cost."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter

from bistro_tui.engine.view import NodeName, NodeRow
from bistro_tui.present.filters import Term
from bistro_tui.present.node_index import IndexKeeper, NodeIndex, Picked
from bistro_tui.present.nodes import Trouble, node_fields
from bistro_tui.present.things import NodeThing, Thing
from bistro_tui.widgets.row_list import RowList

_MANY = 5_000
"""From so many nodes on, what depends on their state is not looked for each time."""
_PAUSE = 2.0
"""Seconds between two such looks."""

_OF_LOOKS = ("level", "status", "running", "use")
"""What a filter may name beside the name itself."""


class NodeList(RowList[NodeRow]):
    """Shows some of the nodes; which ones depends on the structure, not on the rows."""

    heading = "Nodes"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.index = NodeIndex(())
        self.troubles: Mapping[NodeName, Trouble] = {}
        self._keeper = IndexKeeper()
        self._found: tuple[NodeIndex, str, Sequence[int]] | None = None
        self._looked = 0.0

    def key_of(self, row: NodeRow) -> Hashable:
        """Return the node's name."""
        return row.name

    def text_of(self, row: NodeRow) -> str:
        """Return the name."""
        return row.name

    def fields(self, row: NodeRow) -> Mapping[str, object]:
        """Return level, status, how many tasks run, and how full it is."""
        return node_fields(row)

    def thing_of(self, row: NodeRow) -> Thing | None:
        """Return the node."""
        return NodeThing(name=row.name)

    def empty_text(self) -> str:
        """Return what stands here without nodes."""
        return "no nodes yet"

    def places(self) -> Sequence[int]:
        """Return the places in sight while nothing is filtered."""
        raise NotImplementedError

    def index_changed(self) -> None:
        """See to what is kept by the places of nodes."""

    def show(
        self, rows: Sequence[NodeRow], now: float, index: NodeIndex | None = None
    ) -> None:
        """Take the newest rows in tree order; costs what is in sight.

        ``index`` is theirs; without one it is found out.
        """
        self.now = now
        index = self._keeper.of_nodes(rows) if index is None else index
        self._all = rows
        if index is not self.index:
            self.index = index
            self.index_changed()
            self._sift()
        elif self.depends_on_state and self._may_look(now):
            self._sift()
        else:
            self._put_newest(rows)
            self.sync()

    def _put_newest(self, rows: Sequence[NodeRow]) -> None:
        if isinstance(self._rows, Picked):
            known = self._rows
            self._rows = Picked(rows, known.places, in_order=known.in_order)

    @property
    def depends_on_state(self) -> bool:
        """Whether other rows may be in sight after a new snapshot."""
        return any(term.field for term in self.wanted.terms)

    def _may_look(self, now: float) -> bool:
        return len(self.index) < _MANY or not 0 <= now - self._looked < _PAUSE

    def sifted(self, rows: Sequence[NodeRow]) -> Sequence[NodeRow]:
        """Return the nodes in sight."""
        self._looked = self.now
        if not self.wanted:
            return Picked(rows, self.places())
        known = self._found
        is_known = known is not None and known[:2] == (self.index, self.filter_text)
        if known is None or not is_known or self.depends_on_state:
            known = (self.index, self.filter_text, self.fitting(self._matches(rows)))
            self._found = known
        return Picked(rows, known[2])

    def fitting(self, matches: Sequence[int]) -> Sequence[int]:
        """Return what is shown of the places that fit the filter."""
        return matches

    def _matches(
        self, rows: Sequence[NodeRow], terms: Sequence[Term] | None = None
    ) -> Sequence[int]:
        names = self.index.folded_names
        found: Sequence[int] = range(len(names))
        terms = self.wanted.terms if terms is None else terms
        # First what is asked of names: it is cheaper, and leaves less for the others.
        for term in sorted(terms, key=attrgetter("field")):
            word, is_wanted, fits = term.word, term.is_wanted, term.fits
            if not term.field and term.kind == "word":
                found = [at for at in found if (word in names[at]) is is_wanted]
                continue
            if not term.field:
                found = [at for at in found if fits(names[at], dict)]
                continue
            known: dict[tuple[object, ...], bool] = {}
            kept: list[int] = []
            for place in found:
                row = rows[place]
                name, level, _, enabled, usage, running = row
                # Most nodes look like others: each look is asked about once.
                look: tuple[object, ...] = (level, enabled, id(usage), running)
                if term.field not in _OF_LOOKS:
                    look = (name,)
                if look not in known:
                    known[look] = fits(names[place], partial(self.fields, row))
                if known[look]:
                    kept.append(place)
            found = kept
        return found

    def meant(self, rows: Sequence[NodeRow]) -> Sequence[NodeRow]:
        """Return those that themselves fit; of all in sight, found like the rows."""
        if not (self.wanted and self.shows_context):
            return rows
        if rows is self._rows:
            return Picked(self._all, self._matches(self._all))
        return super().meant(rows)

    def with_above(self, places: Sequence[int]) -> Sequence[int]:
        """Return these places and those of all nodes above them, in their order."""
        count, parents = len(self.index), self.index.parents
        if len(places) == count:
            return places
        kept = bytearray(count)
        for place in places:
            while place >= 0 and not kept[place]:
                kept[place] = 1
                place = parents[place]
        return list(compress(range(count), kept))

    # Rows are found by their places, not by looking at each.

    def _index_of(self, key: Hashable) -> int | None:
        rows = self._rows
        if not isinstance(rows, Picked) or not rows.in_order:
            return super()._index_of(key)
        at = self._cursor
        if at < len(rows) and self.key_of(rows[at]) == key:
            return at
        for place in self._places_of(key):
            position = rows.position(place)
            if position is not None:
                return position
        return None

    def _places_of(self, key: Hashable) -> Sequence[int]:
        return self.index.places(NodeName(key)) if isinstance(key, str) else ()

    def point_at_key(self, key: Hashable) -> bool:
        """Put the cursor on that node; False if there is none."""
        places = self._places_of(key)
        if not places:
            return False
        if self._index_of(key) is None and self.wanted:
            self.set_filter("")
        self.reveal(places[0])
        position = self._index_of(key)
        if position is None:
            return False
        self.put_cursor(position)
        return True

    def stand_near(self, key: Hashable) -> None:
        """Put the cursor on that node, or on what stands for it here."""
        self.point_at_key(key)

    def reveal(self, place: int) -> None:
        """Put a node in sight."""

    def _marked_among(self, rows: Sequence[NodeRow]) -> set[Hashable]:
        # Asked of the marks, of which there are few, and not of all rows.
        there = {key for key in self.marks if self._places_of(key)}
        if not isinstance(rows, Picked) or not there:
            return there
        if not rows.in_order:
            return super()._marked_among(rows)
        position = rows.position
        return {
            key
            for key in there
            if any(position(place) is not None for place in self._places_of(key))
        }

    def marked(self) -> Sequence[NodeRow]:
        """Return the marked nodes that are there."""
        return [
            self._all[place] for key in self.marks for place in self._places_of(key)
        ]
