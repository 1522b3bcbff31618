"""A runner: each task is one HTTP request, and the answer is its status."""

import asyncio
import json
import urllib.request

from bistro_tui.engine.plugins import (
    AttemptEnded,
    AttemptStarted,
    InvocationId,
    KillSettings,
    RunnerContext,
    StartTask,
    Stream,
    TaskStatus,
    error_backoff,
    parse_report,
)

TIMEOUT_SEC = 30.0


class HttpRunner:
    """Posts ``{"job": …, "node": …}`` to the ``url`` in the job's ``config``."""

    name = "http"

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._attempts: dict[InvocationId, asyncio.Future[TaskStatus]] = {}

    def start(self, start: StartTask) -> None:
        attempt = asyncio.ensure_future(self._ask(start))
        self._attempts[start.invocation] = attempt
        attempt.add_done_callback(lambda attempt: self._over(start, attempt))

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        attempt = self._attempts.get(invocation)
        if attempt is not None:
            attempt.cancel()

    async def close(self) -> None:
        while self._attempts:
            for attempt in self._attempts.values():
                attempt.cancel()
            await asyncio.wait(tuple(self._attempts.values()))

    async def _ask(self, start: StartTask) -> TaskStatus:
        self._context.report(AttemptStarted(start.task, start.invocation, None))
        body = await asyncio.to_thread(post, start)
        self._context.sink.write(start.task, Stream.STDOUT, [body + b"\n"])
        return parse_report(body, now_wall=self._context.clock.now().wall)

    def _over(self, start: StartTask, attempt: "asyncio.Future[TaskStatus]") -> None:
        now = self._context.clock.now().wall
        if attempt.cancelled():
            status, text = parse_report(b"incomplete_backoff", now_wall=now), "killed"
        elif error := attempt.exception():
            status, text = error_backoff(str(error), now_wall=now), "no answer"
        else:
            status, text = attempt.result(), "answered"
        del self._attempts[start.invocation]
        self._context.report(AttemptEnded(start.task, start.invocation, status, text))


def post(start: StartTask) -> bytes:
    body = json.dumps({"job": start.task.job, "node": start.task.node})
    request = urllib.request.Request(str(start.job.config["url"]), body.encode())
    seconds = start.job.timeout_sec or TIMEOUT_SEC
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return bytes(answer.read())
