"""Changing one value in the text of a config; everything else stays as it is."""

from collections.abc import Callable

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import JOB_PREFIX
from bistro_tui.engine.config.text import ConfigSyntaxError
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.near import nearest


def set_enabled(
    text: str,
    job: JobName,
    enabled: bool,
    config_format: ConfigFormat = ConfigFormat.JSON,
) -> str:
    """Return the text with that job enabled or disabled.

    Only the characters of that value change; a missing ``enabled`` becomes the job's
    first member, laid out like the member after it. Of a repeated key the last one,
    which is in force, is changed. Raises ControlRefused for a text that does not
    parse, for an unknown job, and where more than that job would change.
    """
    before = _read(text, config_format)
    job_key = JOB_PREFIX + job
    _check_job(before, job)
    literal = "true" if enabled else "false"
    changed = _editor(config_format)(text, job_key, "enabled", literal)
    wanted = {**before, job_key: {**before[job_key], "enabled": enabled}}
    # Prove that the edit did what was asked, and nothing else.
    try:
        is_right = read_document(changed, config_format).value == wanted
    except ConfigSyntaxError:
        is_right = False
    if not is_right:
        message = (
            'could not change "enabled" without changing more (is the job used in '
            "several places?); please edit the file"
        )
        raise ControlRefused(message)
    return changed


def _read(text: str, config_format: ConfigFormat) -> Json:
    try:
        return read_document(text, config_format).value
    except ConfigSyntaxError as error:
        name = config_format.value
        message = f"the config is not valid {name} now (line {error}): repair it first"
        raise ControlRefused(message) from None


def _check_job(value: Json, job: JobName) -> None:
    top = value if isinstance(value, dict) else {}
    if isinstance(top.get(JOB_PREFIX + job), dict):
        return
    names = [key.removeprefix(JOB_PREFIX) for key in top if "->" in key]
    near = nearest(job, names[:1000])
    hint = f"; did you mean {show(near)}?" if near else ""
    raise ControlRefused(f"the config has no job called {show(job)}{hint}")


def _editor(config_format: ConfigFormat) -> Callable[[str, str, str, str], str]:
    # Each format's grammar is loaded only for those who use it.
    match config_format:
        case ConfigFormat.JSON:
            from bistro_tui.engine.config.json_edit import edit_json

            return edit_json
        case ConfigFormat.TOML:
            from bistro_tui.engine.config.toml_edit import edit_toml

            return edit_toml
        case ConfigFormat.YAML:
            from bistro_tui.engine.config.yaml_edit import edit_yaml

            return edit_yaml
