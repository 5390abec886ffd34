"""Who is told when a job ends or waits: a webhook on this machine, a command."""

import hashlib
import hmac
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from aimux.drivers import choose_driver
from aimux.engine._notify import LAST_WORDS_S, QUEUED, Notifications, notice, open_notifier
from aimux.model import (
    Failure,
    FailureClass,
    Job,
    JobId,
    JobStatus,
    JobTrace,
    NotificationSettings,
    NotifyOn,
    Outcome,
    SessionId,
    TraceContext,
)
from aimux.rules.traces import span_id
from aimux.times import utc_now

from ..tools.calls import HANG, Clock
from .house import answers, open_house

KEY = "ghp_" + "a1B2" * 9
JOB = Job(
    id=JobId("job_1"),
    session_id=SessionId("ses_1"),
    tool="exec",
    cli="codex",
    prompt="the prompt",
    prompt_preview="the prompt",
    status=JobStatus.FAILED,
    created_at=utc_now(),
    outcome=Outcome(
        content="the answer",
        error=Failure(failure_class=FailureClass.AUTH, code="auth", message=f"no {KEY}"),
    ),
)


@attrs.define(eq=False)
class Receiver:
    """A webhook that gives these answers, the last one for ever."""

    answers: list[int]
    posts: list[tuple[dict[str, str], bytes]] = attrs.field(factory=list)
    heard: trio.Event = attrs.field(factory=trio.Event)  # as many posts as answers

    async def serve(self, stream: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive_some()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        headers = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        while len(body) < int(headers["content-length"]):
            body += await stream.receive_some()
        code = self.answers[min(len(self.posts), len(self.answers) - 1)]
        self.posts.append((headers, body))
        moved = "Location: http://127.0.0.1:9/\r\n" if code == 302 else ""
        await stream.send_all(f"HTTP/1.1 {code} X\r\n{moved}Content-Length: 0\r\n\r\n".encode())
        if len(self.posts) >= len(self.answers):
            self.heard.set()


async def told(
    tmp_path: Path, receiver: Receiver, *, retries: int = 0, secret: str = ""
) -> list[tuple[dict[str, str], bytes]]:
    """What a receiver got of the end of a job."""
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, receiver.serve, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.socket.getsockname()[1]
        to = NotificationSettings(
            url=f"http://127.0.0.1:{port}/hook", secret_file=secret, retries=retries
        )
        async with opened({"hook": to}, tmp_path) as notifier:
            notifier.job_ended(JOB)
            with trio.fail_after(30):
                await receiver.heard.wait()
        nursery.cancel_scope.cancel()
    return receiver.posts


def opened(wanted: Notifications, tmp_path: Path, env: Mapping[str, str] | None = None):  # noqa: ANN201
    return open_notifier(wanted, choose_driver(is_terminal=False), env or {}, tmp_path)


async def test_a_webhook_gets_a_signed_post_without_prompt_answer_or_secret(
    tmp_path: Path,
) -> None:
    """The signature is over the time and the body."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    secret.chmod(0o600)
    ((headers, body),) = await told(tmp_path, Receiver([200]), secret=str(secret))
    at, _, made = headers["x-aimux-signature"].partition(",v1=")
    want = hmac.new(b"s3cret", at.removeprefix("t=").encode() + b"." + body, hashlib.sha256)
    said = json.loads(body)

    assert made == want.hexdigest()
    assert (said["event"], said["job_id"], said["status"]) == ("job_ended", "job_1", "failed")
    assert said["error"]["code"] == "auth"
    assert all(each not in body.decode() for each in (KEY, "the prompt", "the answer"))


async def test_a_receiver_that_fails_is_told_again(tmp_path: Path) -> None:
    """As often as is set."""
    posts = await told(tmp_path, Receiver([500, 200]), retries=1)

    assert len(posts) == 2
    assert posts[0][1] == posts[1][1]


@pytest.mark.parametrize(("answers", "said"), [([302], "answered 302"), ([404], "answered 404")])
async def test_what_became_of_a_failed_notification_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answers: list[int], said: str
) -> None:
    """A redirect is one: what is told to one place is not told to another."""
    await told(tmp_path, Receiver(answers))

    assert [each.error for each in caplog.records if each.message == "notification failed"] == [
        said
    ]


async def test_a_secret_that_others_may_read_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is sent then: an unsigned text would look like somebody else's."""
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o644)
    to = NotificationSettings(url="http://127.0.0.1:9/", secret_file=str(secret), retries=0)
    async with opened({"hook": to}, tmp_path) as notifier:
        notifier.job_ended(JOB)

    assert "chmod 600" in caplog.records[-1].error


async def test_a_command_gets_the_text_on_stdin(tmp_path: Path) -> None:
    """Of a question too; without the variables of the server, with the place in the trace."""
    out = tmp_path / "out"
    code = (
        "import sys, os; open(sys.argv[1], 'w').write(sys.stdin.read() + str('KEY' in os.environ)"
        " + ' ' + os.environ['TRACEPARENT'])"
    )
    above = TraceContext(trace_id="a" * 32, span_id="b" * 16, flags=1)
    traced = attrs.evolve(JOB, trace=JobTrace(above=above, has_spans=True))
    to = NotificationSettings(command=[sys.executable, "-c", code, str(out)], on=[NotifyOn.WAITING])
    async with opened({"bell": to}, tmp_path, {"KEY": "x", "PATH": "/bin"}) as notifier:
        notifier.job_ended(JOB)
        notifier.job_waits(traced, "go on?")
    body, end = out.read_text(encoding="utf-8").rsplit("}", 1)
    said = json.loads(body + "}")

    assert (said["event"], said["question"]) == ("job_waiting", "go on?")
    assert end == f"False 00-{'a' * 32}-{span_id('job_1')}-01"


async def test_what_is_queued_is_told_on_the_way_out_of_a_cancelled_engine(
    tmp_path: Path,
) -> None:
    """A host that closes its server still hears what the last job came to."""
    out = tmp_path / "out"
    code = "import sys; open(sys.argv[1], 'w').close()"
    to = NotificationSettings(command=[sys.executable, "-c", code, str(out)])
    with trio.CancelScope() as scope:
        async with opened({"bell": to}, tmp_path, {"PATH": "/bin"}) as notifier:
            notifier.job_ended(JOB)
            scope.cancel()
            await trio.lowlevel.checkpoint()

    assert out.exists()


async def test_telling_never_waits_and_a_dead_receiver_holds_no_end_up(tmp_path: Path) -> None:
    """What has no room is counted; the way out takes its bound at most. Steps are not told of."""
    to = NotificationSettings(command=["sleep", "60"], timeout_seconds=60)
    with trio.fail_after(LAST_WORDS_S + 20):
        async with opened({"bell": to}, tmp_path, {"PATH": "/bin:/usr/bin"}) as notifier:
            for _ in range(QUEUED + 10):
                notifier.job_ended(attrs.evolve(JOB, parent_id=JobId("job_0")))
            quiet = notifier.dropped
            for _ in range(QUEUED + 10):
                notifier.job_ended(JOB)

    assert quiet == 0
    assert notifier.dropped >= 10


@pytest.mark.parametrize("url", ["http://example.com/", "ftp://x", "nonsense"])
def test_a_webhook_is_https_or_on_this_machine(url: str) -> None:
    """The text goes over no open wire."""
    with pytest.raises(ValueError, match="https URL"):
        NotificationSettings(url=url)


def test_a_job_without_an_outcome_is_told_of_too() -> None:
    """While it waits for a person it has none."""
    said = json.loads(notice(NotifyOn.WAITING, attrs.evolve(JOB, outcome=None), f"key {KEY}?"))

    assert said["error"] is None
    assert KEY not in said["question"]


async def test_a_question_of_a_jobs_cli_is_told(tmp_path: Path, autojump_clock: Clock) -> None:
    """By the engine, to whoever its own configuration names now."""
    async with open_house(tmp_path, [HANG, answers()]) as house:
        handle = await house.start()
        await trio.testing.wait_all_tasks_blocked()
        to = NotificationSettings(command=["ring"], on=[NotifyOn.WAITING])
        settings = attrs.evolve(house.engine.own.settings, notifications={"bell": to})
        house.engine.own.apply(settings)
        handle.log.questions.open("alpha", "go on?")
        await trio.sleep(1)
        asked = house.driver.specs[-1]

    assert asked.argv == ["ring"]
    assert json.loads(asked.stdin)["question"] == "go on?"
