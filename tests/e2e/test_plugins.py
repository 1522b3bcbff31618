"""A config that uses one plug-in of each kind, from a package that is installed."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import DONE, Finished, Place
from tests.plugin_page import write_shown_files

pytestmark = pytest.mark.slow

CHOSEN = ("--config-loader", "directory", "--status-store", "journal")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the package of the page, put there by pip."""
    source = tmp_path_factory.mktemp("source")
    write_shown_files(source)
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--no-build-isolation"),
            *("--no-index", "--target", target),
            source,
        ],
        check=True,
        capture_output=True,
    )
    return target


@dataclass
class Service:
    """What the tasks ask, on a loopback port of its own."""

    answers: dict[str, list[bytes]]
    """By job: one answer after the other; the last one stays."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Job and node."""
    url: str = ""


@pytest.fixture
def service() -> Iterator[Service]:
    served = Service({"alpha": [b"done"], "beta": [b"error_backoff", b"done"]})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append((asked["job"], asked["node"]))
            answers = served.answers[asked["job"]]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/run"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def write_config(place: Place, url: str, **settings: Any) -> None:
    """Write the config into several files of a directory."""
    directory = place.path / "conf.d"
    directory.mkdir()
    place.write("hosts.txt", "red\ngreen\n")
    nodes = {
        "levels": ["host"],
        "node_sources": [{"source": "host_list", "prefs": {"file": "hosts.txt"}}],
    }
    documents: dict[str, dict[str, Any]] = {
        "bistro_settings": {
            "enabled": True,
            "scheduler": "alphabetical",
            "nodes": nodes,
            "resources": {"instance": {"one": {"limit": 1, "default": 1}}},
            "backoff": [1, "repeat"],
            **settings,
        },
        "bistro_job->beta": {"owner": "o", "config": {"url": url}},
        "bistro_job->alpha": {"owner": "o", "config": {"url": url}},
    }
    for number, (key, value) in enumerate(documents.items()):
        place.write(f"conf.d/{number}.json", json.dumps({key: value}))


def batch(place: Place, installed: Path, *flags: object) -> Finished:
    return place.batch(
        Path("conf.d"),
        *CHOSEN,
        *("--runner", "http"),
        *flags,
        env={"PYTHONPATH": str(installed)},
    )


def test_a_config_that_uses_one_plug_in_of_each_kind_runs_to_done(
    place: Place, installed: Path, service: Service
) -> None:
    write_config(place, service.url)

    run = batch(place, installed)

    assert run.code == 0, run.err
    assert run.json["jobs"] == {
        "beta": {"done": 2, "failed": 0, "blocked": 0},
        "alpha": {"done": 2, "failed": 0, "blocked": 0},
    }
    # One at a time, in the policy's order; the first of beta's failed and came again.
    assert [job for job, _ in service.requests] == ["alpha"] * 2 + ["beta"] * 3
    assert set(service.requests[:2]) == {("alpha", "red"), ("alpha", "green")}
    assert not (place.data / "statuses.sql3").exists()
    stored = (place.data / "task_statuses.jsonl").read_text()
    assert len(stored.split()) > len(service.requests)
    lines = place.rows("task_logs.sql3", "SELECT job_id, line FROM stdout")
    assert sorted(lines) == [
        ("alpha", "done\n"),
        ("alpha", "done\n"),
        ("beta", "done\n"),
        ("beta", "done\n"),
        ("beta", "error_backoff\n"),
    ]

    again = batch(place, installed)

    assert again.code == 0, again.err
    assert again.json["started"] == 0
    assert len(service.requests) == 5

    plan = place.run(
        *("plan", "conf.d", "--json", *CHOSEN, "--data-dir", place.data),
        *("--runner", "http"),
        env={"PYTHONPATH": str(installed)},
    )

    assert plan.code == 0, plan.err
    assert [node["name"] for node in plan.json["nodes"]][1:] == ["red", "green"]
    assert [job["blocked"] for job in plan.json["jobs"]] == [{"done": 2}, {"done": 2}]


def test_the_pages_own_config_runs_as_the_page_says(
    place: Place, installed: Path, service: Service
) -> None:
    write_shown_files(place.path)
    config = place.path / "conf.d" / "main.json"
    config.write_text(
        config.read_text().replace("http://127.0.0.1:8000/run", service.url)
    )
    service.answers["ping"] = [b"done"]
    path = {"PYTHONPATH": str(installed)}

    valid = place.run("validate", "conf.d", "--config-loader", "directory", env=path)

    assert (valid.code, valid.out) == (0, "conf.d: ok, 1 warning\n"), valid.err
    assert "conf.d:20:23: bistro_job->ping.command: missing" in valid.err

    run = batch(place, installed)

    assert run.code == 0, run.err
    assert sorted(service.requests) == [("ping", "green"), ("ping", "red")]


def test_validate_asks_the_config_loader_that_is_named(
    place: Place, installed: Path
) -> None:
    write_config(place, "http://127.0.0.1:9/", scheduler="alphabetic")
    path = {"PYTHONPATH": str(installed)}
    asked = ("validate", "conf.d", "--json", "--config-loader", "directory")

    run = place.run(*asked, env=path)

    assert run.code == 2
    (error,) = run.json["errors"]
    assert (error["file"], error["line"]) == ("conf.d", 4)
    assert error["message"].endswith('did you mean "alphabetical"?')

    (place.path / "conf.d" / "0.json").write_text("{")
    broken = place.run(*asked, env=path)

    assert broken.code == 2
    (error,) = broken.json["errors"]
    assert (error["file"], error["path"], error["job"]) == ("conf.d", "", None)
    assert error["message"].startswith("cannot be read: JSONDecodeError")


def test_validate_knows_the_words_of_plug_ins(place: Place, installed: Path) -> None:
    write_config(place, "http://127.0.0.1:9/", scheduler="alphabetic")
    merged: dict[str, Any] = {}
    for path in sorted((place.path / "conf.d").iterdir()):
        merged |= json.loads(path.read_text())
    config = place.write_config(merged)

    run = place.run("validate", config, "--json", env={"PYTHONPATH": str(installed)})

    assert run.code == 2
    (error,) = run.json["errors"]
    assert error["path"] == "bistro_settings.scheduler"
    assert error["message"].endswith('did you mean "alphabetical"?')


def test_a_service_that_is_down_is_an_error_of_the_task(
    place: Place, installed: Path
) -> None:
    write_config(place, "http://127.0.0.1:9/", backoff=["fail"])

    run = batch(place, installed)

    assert run.code == 1
    assert (run.json["failed"], run.json["started"]) == (4, 4)
    assert "Connection refused" in (place.data / "task_statuses.jsonl").read_text()
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("flag", "problem"),
    [
        (
            "--runner=htpp",
            'unknown runner "htpp"; there are auto, remote, mixed, local,',
        ),
        ("--status-store=journals", 'did you mean "journal"?'),
        (
            "--config-loader=dir",
            'unknown config loader "dir"; there are file, directory',
        ),
    ],
)
def test_a_name_that_nobody_has_ends_with_2_and_opens_nothing(
    place: Place, installed: Path, flag: str, problem: str
) -> None:
    write_config(place, "http://127.0.0.1:9/")

    run = batch(place, installed, flag)

    assert run.code == 2
    assert problem in run.err
    assert run.out == ""
    assert not place.data.exists()


def distribution(path: Path, entry_points: str) -> Path:
    """Return a directory with an installed distribution of these entry points."""
    info = path / "site" / "acme_odd-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-odd\nVersion: 2.0\n"
    )
    (info / "entry_points.txt").write_text(entry_points)
    return info.parent


def test_a_plug_in_that_cannot_be_imported_ends_with_2_naming_it(
    place: Place, installed: Path, tmp_path: Path
) -> None:
    site = distribution(tmp_path, "[bistro_tui.policies]\nbad = nowhere:X\n")
    write_config(place, "http://127.0.0.1:9/", scheduler="bad")

    run = place.batch(
        Path("conf.d"),
        *CHOSEN,
        env={"PYTHONPATH": f"{installed}:{site}"},
    )

    assert run.code == 2
    assert 'the policy "bad" of acme-odd 2.0 cannot be loaded' in run.err
    assert "No module named 'nowhere'" in run.err
    assert "Traceback" not in run.err


EXITING = """
import asyncio
from bistro_tui.engine.plugins import FoundNodes, NewNode

class Exiting:
    asked = 0

    def read_prefs(self, prefs):
        return None

    async def fetch(self, prefs, around):
        Exiting.asked += 1
        if Exiting.asked >= 3:
            await {how}
        (root,) = around.nodes[around.levels[0]]
        return FoundNodes(nodes=[NewNode(name="n1", parent=root)])

    async def leave(self):
        raise SystemExit(5)
"""


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("self.leave()", "SystemExit: 5"),
        ("asyncio.to_thread(exit, 5)", "SystemExit: 5"),
        ("asyncio.gather(self.leave())", "TaskExited: SystemExit: 5"),
    ],
)
def test_a_node_source_that_exits_leaves_its_last_nodes_and_the_scheduler(
    place: Place, how: str, problem: str
) -> None:
    site = distribution(
        place.path, "[bistro_tui.node_sources]\nexiting = leaver:Exiting"
    )
    (site / "leaver.py").write_text(EXITING.format(how=how))
    settings = {"nodes": {"levels": ["l"], "node_sources": [{"source": "exiting"}]}}
    config = place.write_config(
        {
            "bistro_settings": {"resources": {}, "enabled": True, **settings},
            "bistro_job->a": {"owner": "o", "command": DONE, "enabled": False},
        }
    )
    flags = ("--nodes-update-ms=100", "--nodes-retry-ms=100", "--data-dir=data")

    with place.start(
        *(config, "--no-ui", *flags), env={"PYTHONPATH": str(site)}
    ) as process:
        try:
            assert process.stderr is not None
            wait_for(process.stderr, "its last good nodes stay", problem)
            # It goes on: a job that is enabled now runs on the node that stays.
            config.write_text(config.read_text().replace("false", "true"))
            wait_for(process.stderr, "Got status done from task a, n1")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def wait_for(lines: Iterable[str], *words: str) -> None:
    """Read up to the line with these words; pytest's timeout is the deadline."""
    seen = []
    for line in lines:
        seen.append(line)
        if all(word in line for word in words):
            return
    raise AssertionError("".join(seen))
