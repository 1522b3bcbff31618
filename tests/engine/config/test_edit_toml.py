import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.edit import set_enabled
from bistro_tui.engine.config.formats import ConfigFormat
from bistro_tui.engine.config.toml_text import parse_toml
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from tests.engine.config.writers import TomlWriter, is_insertion, toml_objects

A = JobName("a")


def edited(text: str, enabled: bool = False) -> str:
    return set_enabled(text, A, enabled, ConfigFormat.TOML)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a table of its own
        ('["bistro_job->a"]\nenabled = true # on', None),
        (
            "[\"bistro_job->a\"]\n  enabled='yes'\n",
            '["bistro_job->a"]\n  enabled=false\n',
        ),
        ("['bistro_job->a']\nx = 1\n'enabled' = true", None),
        (
            '["bistro_job->a"] # é\n# who\n  owner = 1\n',
            '["bistro_job->a"] # é\n  enabled = false\n# who\n  owner = 1\n',
        ),
        (
            '\ufeff["bistro_job->a"]\r\nowner = 1\r\n',
            '\ufeff["bistro_job->a"]\r\nenabled = false\r\nowner = 1\r\n',
        ),
        ('["bistro_job->a"]', '["bistro_job->a"]\nenabled = false'),
        (
            '["bistro_job->a".x]\n\t["bistro_job->a"]\n\towner = 1',
            '["bistro_job->a".x]\n\t["bistro_job->a"]\n\tenabled = false\n\towner = 1',
        ),
        # only the tables below it
        (
            "x = 1\n  ['bistro_job->a'.filters]\ny = 1",
            "x = 1\n  ['bistro_job->a']\n  enabled = false\n\n"
            "  ['bistro_job->a'.filters]\ny = 1",
        ),
        # dotted keys
        ('"bistro_job->a".enabled = true\n', None),
        (
            '  "bistro_job->a" . owner = "é"\nx = 1',
            '  "bistro_job->a".enabled = false\n  "bistro_job->a" . owner = "é"\nx = 1',
        ),
        # inline
        ('"bistro_job->a" = {x = 1, enabled = true}', None),
        ('"bistro_job->a" = {}', '"bistro_job->a" = {enabled = false}'),
        ('"bistro_job->a" = { }', '"bistro_job->a" = { enabled = false }'),
        ('"bistro_job->a" = {x = 1}', '"bistro_job->a" = {enabled = false, x = 1}'),
        ('"bistro_job->a" = { x = 1 }', '"bistro_job->a" = { enabled = false, x = 1 }'),
        (
            '"bistro_job->a" = {enabled = [1, {a = 2}]}',
            '"bistro_job->a" = {enabled = false}',
        ),
    ],
)
def test_only_the_value_changes_or_the_first_member_is_new(
    before: str, after: str | None
) -> None:
    assert edited(before) == (after or before.replace("= true", "= false"))


def test_saying_the_same_again_changes_nothing() -> None:
    text = '["bistro_job->a"]\nenabled = true'
    assert edited(text, True) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "the config is not valid TOML now \\(line 1:4: expected a value"),
        ('["bistro_job->aa"]', 'no job called "a"; did you mean "aa"\\?'),
        ('"bistro_job->a" = 5', 'no job called "a"'),
        ('["bistro_job->a".enabled]\nx = 1', "enabled is a table there"),
        ('["bistro_job->a"]\nenabled.x = 1', "enabled is a table there"),
        ('[["bistro_job->a".enabled]]\nx = 1', "enabled is a table there"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, message: str) -> None:
    with pytest.raises(ControlRefused, match=message):
        edited(text)


@st.composite
def configs(draw: st.DrawFn, *, has_enabled: bool) -> tuple[str, int]:
    """Return a text with the job ``a``, and where its ``enabled`` stands."""
    value = draw(toml_objects)
    job = draw(toml_objects)
    job.pop("enabled", None)
    if has_enabled:
        members = list(job.items())
        members.insert(draw(st.integers(0, len(members))), ("enabled", True))
        job = dict(members)
    writer = TomlWriter(draw)
    writer.table({**value, "bistro_job->a": job}, ())
    return writer.text, writer.places.get(("bistro_job->a", "enabled"), 0)


@given(configs(has_enabled=True))
def test_everything_outside_the_value_stays_byte_for_byte(
    case: tuple[str, int],
) -> None:
    text, at = case
    assert edited(text) == text[:at] + "false" + text[at + 4 :]


@given(configs(has_enabled=False), st.booleans())
def test_an_inserted_member_is_the_only_difference(
    case: tuple[str, int], enabled: bool
) -> None:
    text, _ = case
    changed = edited(text, enabled)
    wanted = parse_toml(text)
    wanted["bistro_job->a"]["enabled"] = enabled
    assert parse_toml(changed) == wanted
    assert is_insertion(text, changed)
