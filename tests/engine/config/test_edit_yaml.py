import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.edit import set_enabled
from bistro_tui.engine.config.formats import ConfigFormat
from bistro_tui.engine.config.yaml_text import parse_yaml
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from tests.engine.config.writers import YamlWriter, is_insertion, yaml_objects

A = JobName("a")


def edited(text: str, enabled: bool = False) -> str:
    return set_enabled(text, A, enabled, ConfigFormat.YAML)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # block
        ("bistro_job->a:\n  enabled: true # on\n  x: 1", None),
        ("bistro_job->a:\n  x: 1\n  'enabled' : true", None),
        ("bistro_job->a:\n  enabled:\n    true\n\nb: 1", None),
        ('bistro_job->a:\n  enabled: "yes"\n', "bistro_job->a:\n  enabled: false\n"),
        (
            "bistro_job->a:\n  enabled:\n  x: 1",
            "bistro_job->a:\n  enabled: false\n  x: 1",
        ),
        (
            "bistro_job->a:\n  enabled: |\n    true\n\n  x: 1",
            "bistro_job->a:\n  enabled: false\n\n  x: 1",
        ),
        (
            "bistro_job->a:\n  enabled:\n   - 1\n   - b: 2\n  # é\n  x: 1",
            "bistro_job->a:\n  enabled:\n   false\n  # é\n  x: 1",
        ),
        (
            "bistro_job->a: # é\n  # who\n  owner: x\n",
            "bistro_job->a: # é\n  enabled: false\n  # who\n  owner: x\n",
        ),
        (
            "\ufeffbistro_job->a:\r\n   owner: x\r\n",
            "\ufeffbistro_job->a:\r\n   enabled: false\r\n   owner: x\r\n",
        ),
        (
            'bistro_job->a: &x\n  "owner": x\n',
            'bistro_job->a: &x\n  "enabled": false\n  "owner": x\n',
        ),
        (
            "bistro_job->a: !!map\n  # é\n  owner: x\n",
            "bistro_job->a: !!map\n  # é\n  enabled: false\n  owner: x\n",
        ),
        (
            "? bistro_job->a\n: owner: x\n  y: 1",
            "? bistro_job->a\n: enabled: false\n  owner: x\n  y: 1",
        ),
        # flow
        ("{bistro_job->a: {x: 1, enabled: true}}", None),
        ('{"bistro_job->a":{"enabled":true}}', '{"bistro_job->a":{"enabled":false}}'),
        ("bistro_job->a: {}", "bistro_job->a: {enabled: false}"),
        ("bistro_job->a: {x: 1}", "bistro_job->a: {enabled: false, x: 1}"),
        (
            'bistro_job->a: &y {"x": 1}',
            'bistro_job->a: &y {"enabled": false, "x": 1}',
        ),
        (
            "bistro_job->a: { # é\n  # who\n  'x': 1,\n}",
            "bistro_job->a: { # é\n  'enabled': false,\n  # who\n  'x': 1,\n}",
        ),
        # by a merge key: its own member wins
        (
            "b: &b {enabled: true}\nbistro_job->a:\n  <<: *b\n",
            "b: &b {enabled: true}\nbistro_job->a:\n  enabled: false\n  <<: *b\n",
        ),
        (
            "b: &b {enabled: true}\nbistro_job->a: {<<: *b}",
            "b: &b {enabled: true}\nbistro_job->a: {enabled: false, <<: *b}",
        ),
        # an alias as the value
        (
            "b: &b true\nbistro_job->a: {enabled: *b}",
            "b: &b true\nbistro_job->a: {enabled: false}",
        ),
        # of a repeated key the last one
        (
            "bistro_job->a: {enabled: true}\nbistro_job->a: {enabled: true}",
            "bistro_job->a: {enabled: true}\nbistro_job->a: {enabled: false}",
        ),
    ],
)
def test_only_the_value_changes_or_the_first_member_is_new(
    before: str, after: str | None
) -> None:
    assert edited(before) == (after or before.replace("true", "false"))


def test_saying_the_same_again_changes_nothing() -> None:
    text = "bistro_job->a:\n  enabled: true"
    assert edited(text, True) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "the config is not valid YAML now \\(line 1:5: the file ends"),
        ("bistro_job->aa: {}", 'no job called "a"; did you mean "aa"\\?'),
        ("bistro_job->a: 5", 'no job called "a"'),
        ("b: &b {x: 1}\nbistro_job->a: *b", "written elsewhere, behind an alias"),
        ("<<: {bistro_job->a: {x: 1}}", "written elsewhere, behind an alias"),
        ("bistro_job->a: {enabled: &e true}", "enabled has an anchor or a tag"),
        ("bistro_job->a: {enabled: !!bool true}", "enabled has an anchor or a tag"),
        ("bistro_job->a:\n  enabled:\n  - 1", "without changing more"),
        ("bistro_job->a: &b {x: 1}\nbistro_job->b: *b", "without changing more"),
        ("bistro_job->a: &b {x: 1}\nbistro_job->b: {<<: *b}", "without changing more"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, message: str) -> None:
    with pytest.raises(ControlRefused, match=message):
        edited(text)


@st.composite
def configs(draw: st.DrawFn, *, has_enabled: bool) -> tuple[str, int]:
    """Return a text with the job ``a``, and where its ``enabled`` stands."""
    value = draw(yaml_objects)
    value.pop("bistro_job->a", None)
    job = draw(yaml_objects)
    job.pop("enabled", None)
    if has_enabled:
        members = list(job.items())
        members.insert(draw(st.integers(0, len(members))), ("enabled", True))
        job = dict(members)
    writer = YamlWriter(draw)
    for key, inner in {**value, "bistro_job->a": job}.items():
        writer.text += f"{writer.scalar(key)}:"
        writer.block(inner, (key,), 2)
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
    wanted = parse_yaml(text).value
    wanted["bistro_job->a"]["enabled"] = enabled
    assert parse_yaml(changed).value == wanted
    assert is_insertion(text, changed)
