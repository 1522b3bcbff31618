"""The interface's own description: valid, complete, and true of real answers."""

import json
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from bistro_tui.engine.api.handler import Handler
from bistro_tui.engine.api.openapi import document
from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.config.model import Json
from tests.engine.api.test_golden import FILES

SCHEMAS = "/components/schemas/"


def validator(name: str) -> Draft202012Validator:
    """Return what holds values to a schema of the document."""
    return Draft202012Validator({**document(), "$ref": f"#{SCHEMAS}{name}"})


def pairs() -> Iterator[tuple[str, Json, Json]]:
    """Yield (handler, subquery, answer) of all golden pairs."""
    for path in FILES:
        for pair in json.loads(path.read_text()):
            for name, answer in pair["answer"].items():
                query = pair["request"][name]
                handler = query.get("handler") if isinstance(query, dict) else None
                if isinstance(handler, str) and handler in HANDLERS:
                    yield handler, query, answer


def test_the_document_is_valid() -> None:
    validate(document())


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(document(), allow_nan=False)) == document()


def test_every_handler_is_in_it_as_a_subquery_and_as_an_answer() -> None:
    schemas = document()["components"]["schemas"]
    asked = schemas["Request"]["additionalProperties"]
    given = schemas["Answers"]["additionalProperties"]["anyOf"]
    for name in HANDLERS:
        assert {"$ref": f"#{SCHEMAS}{name}.subquery"} in asked["oneOf"]
        assert asked["discriminator"]["mapping"][name] in str(asked["oneOf"])
        assert {"$ref": f"#{SCHEMAS}{name}.answer"} in given
    assert len(given) == len(HANDLERS) + 1


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=lambda one: one.name)
def test_a_handler_says_all_about_itself(handler: Handler) -> None:
    assert handler.about.endswith(".")
    assert set(handler.requires) <= handler.takes.keys()
    assert handler.gives
    Draft202012Validator.check_schema(handler.gives)
    for schema in handler.takes.values():
        Draft202012Validator.check_schema(schema)


def test_real_answers_are_what_the_document_says() -> None:
    given = set()
    for handler, _, answer in pairs():
        if "data" in answer:
            given.add(handler)
            validator(f"{handler}.answer").validate(neutral(answer))
        else:
            validator("Error").validate(answer)
    assert given == set(HANDLERS)


def test_requests_that_are_answered_are_such_as_the_document_allows() -> None:
    asked = set()
    for handler, query, answer in pairs():
        if "data" in answer:
            asked.add(handler)
            validator(f"{handler}.subquery").validate(query)
            validator("Request").validate({"a": query, "prefs": 1})
    assert asked == set(HANDLERS)


@pytest.mark.parametrize("wrong", [{"a": {}}, {"a": {"handler": "nobody"}}, {"a": 1}])
def test_requests_that_are_errors_are_not(wrong: Json) -> None:
    assert not validator("Request").is_valid(wrong)


def test_what_changes_something_says_that_it_needs_the_token() -> None:
    schemas = document()["components"]["schemas"]
    for handler in HANDLERS.values():
        about = schemas[f"{handler.name}.subquery"]["description"]
        assert ("needs the token" in about) == handler.changes


def neutral(answer: Json) -> Json:
    """Return the answer with numbers where golden files say ``measured``."""
    return json.loads(json.dumps(answer).replace('"measured"', "0"))
