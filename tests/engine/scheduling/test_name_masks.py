"""Which names have a text in them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.scheduling import name_masks
from bistro_tui.engine.scheduling.name_masks import BLOCK, NameMasks


class Counted(str):
    """A name that counts how often it is looked at."""

    looks = 0

    def __contains__(self, text: object) -> bool:
        Counted.looks += 1
        return super().__contains__(text)  # type: ignore[operator]  # str says of what is no str


@settings(max_examples=15)
@given(st.data())
def test_a_mask_says_of_each_name_whether_it_has_the_text(data: st.DataObject) -> None:
    names = [f"h{i % 13}s{i}" for i in range(data.draw(st.integers(1, 3 * BLOCK)))]
    begin = data.draw(st.integers(0, len(names) - 1))
    end = data.draw(st.integers(begin + 1, len(names)))
    text = data.draw(st.sampled_from(["1", "h3", "s77", "nowhere", "h12s12"]))
    mask = NameMasks().mask(names, text, begin, end)
    assert list(mask.to_bytes(end - begin)) == [text in n for n in names[begin:end]]


def test_names_are_looked_at_once_however_many_jobs_ask() -> None:
    names = [Counted(f"h{i}") for i in range(2 * BLOCK)]
    masks, Counted.looks = NameMasks(), 0
    found = {masks.mask(names, "h7", 10, BLOCK + 10) for _ in range(50)}
    assert len(found) == 1
    assert Counted.looks == 2 * BLOCK


def test_other_names_are_other_names_and_only_some_texts_are_kept() -> None:
    masks = NameMasks()
    assert masks.mask(["a", "b"], "a", 0, 2) == 0x0100
    assert masks.mask(["b", "a"], "a", 0, 2) == 0x0001
    for text in "abcdefgh":
        masks.mask(["a"], text, 0, 1)
    assert len(masks._kept) == name_masks._KEPT
