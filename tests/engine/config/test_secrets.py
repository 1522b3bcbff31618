"""What is hidden of a job's values, and what is not."""

from bistro_tui.engine.config.secrets import HIDDEN, hidden_keys, hide_secrets


def test_values_under_telling_keys_are_hidden_at_any_depth() -> None:
    shown = hide_secrets(
        {
            "Db_PASSWORD": "x",
            "deep": [{"api_token": {"a": 1}, "name": "n"}],
            "client-secret": ["s"],
            "tokens": None,
            "plain": "password",
        }
    )
    assert shown == {
        "Db_PASSWORD": HIDDEN,
        "deep": [{"api_token": HIDDEN, "name": "n"}],
        "client-secret": HIDDEN,
        "tokens": None,
        "plain": "password",
    }
    assert list(hidden_keys(shown)) == ["Db_PASSWORD", "api_token", "client-secret"]


def test_what_has_no_such_key_stays_as_it_is() -> None:
    value = {"a": [1, "***", {"b": None}]}
    assert hide_secrets(value) == value
    assert list(hidden_keys(value)) == []
