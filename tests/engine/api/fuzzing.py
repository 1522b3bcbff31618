"""Cases that schemathesis makes of the interface's description, and what they prove.

No request may be answered by a 5xx, or by what the description does not have.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bistro_tui.engine.api.openapi import document
from bistro_tui.engine.config.model import Json
from tests.engine.api.program import Served, served
from tests.faults.seeds import chosen_seed

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = "/events"
TIMEOUT_SEC = 30


def described() -> dict[str, Json]:
    """Return the description without what would end or delay what is asked."""
    found = json.loads(json.dumps(document()))
    schemas = found["components"]["schemas"]
    asked = schemas["Request"]["additionalProperties"]
    stop = {"$ref": asked["discriminator"]["mapping"].pop("stop", "")}
    asked["oneOf"] = [one for one in asked["oneOf"] if one != stop]
    schemas["Request"]["maxProperties"] = 5
    # Waiting proves nothing more when it is long.
    schemas["progress.subquery"]["properties"]["wait_sec"]["maximum"] = 0.1
    return dict(found)


def only(handler: str) -> dict[str, Json]:
    """Return the description as if there were only one handler."""
    found = described()
    asked = found["components"]["schemas"]["Request"]["additionalProperties"]
    mapping = asked["discriminator"]["mapping"]
    asked["discriminator"]["mapping"] = {handler: mapping[handler]}
    asked["oneOf"] = [{"$ref": mapping[handler]}]
    return found


def endpoints() -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Yield (name, path, description) of all that is asked for: each handler, too."""
    for path in document()["paths"]:
        yield path, path, described()
    asked = described()["components"]["schemas"]["Request"]["additionalProperties"]
    for handler in asked["discriminator"]["mapping"]:
        yield handler, "/", only(handler)


def fuzz(
    program: Served, path: str, description: dict[str, Json], *, cases: int, number: int
) -> int:
    """Send so many cases, by the seed ``number``; return how many were taken (200).

    Raises what schemathesis does for the first answer that must not be.
    """
    schema = schemathesis.openapi.from_dict(description)
    operation = schema[path]["POST" if path == "/" else "GET"]
    session = requests.Session()
    taken = 0
    kinds = st.one_of(*map(operation.as_strategy, GenerationMode))

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=kinds)
    def send(case: schemathesis.Case[Any]) -> None:
        nonlocal taken
        case.headers["Authorization"] = f"Bearer {program.token}"
        if path == ENDLESS:
            kwargs = case.as_transport_kwargs(base_url=program.url)
            with session.request(**kwargs, stream=True, timeout=TIMEOUT_SEC) as found:
                assert found.status_code < 500, found.text
                taken += found.status_code == 200
            return
        response = case.call(program.url, session=session, timeout=TIMEOUT_SEC)
        case.validate_response(response, checks=CHECKS)
        # The envelope's own way to say what would be a 500 elsewhere. Without what is
        # around them, the words may be an echo: cases are made of our strings, too.
        assert '"error": "internal error' not in response.text
        taken += response.status_code == 200

    with session:
        send()
    return taken


def main() -> int:
    """Fuzz each endpoint in turn; return the exit code."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    number = int(sys.argv[2]) if len(sys.argv) > 2 else chosen_seed()
    with tempfile.TemporaryDirectory() as directory, served(Path(directory)) as program:
        for name, path, description in endpoints():
            began = time.monotonic()
            try:
                taken = fuzz(program, path, description, cases=cases, number=number)
            except (AssertionError, BaseExceptionGroup) as error:
                print(f"{name}, seed {number}: {error}", file=sys.stderr)
                print(program.log.read_text()[-4_000:], file=sys.stderr)
                return 1
            took = time.monotonic() - began
            print(f"{name}: {cases} cases, {taken} taken, {took:.0f} s", flush=True)
        if "Traceback" in program.log.read_text():
            print(program.log.read_text()[-4_000:], file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
