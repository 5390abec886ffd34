"""Questions of a child: what is one, what is a secret, and how each ends exactly once."""

import pathlib

import attrs
import pytest
import trio
import trio.testing

from aimux.engine import Questions
from aimux.engine.log._questions import End, find_question, is_secret
from aimux.engine.turns._terminal import QUESTION_S, REDRAW_S
from aimux.model import Noted, OutputRule, RouteRequest, Warned
from aimux.testing import Say, Turn

from .house import ALPHA, open_house

Clock = trio.testing.MockClock
TEXT = attrs.evolve(ALPHA, output=OutputRule(dialect="text"))


@pytest.mark.parametrize(
    ("shown", "question"),
    [
        ("Trust it? [y/n] ", "Trust it? [y/n]"),
        ("working\nGo on?", "Go on?"),
        ("working\r\nGo on (Y/n):\r\n", ""),
        ("Press Enter to continue...", "Press Enter to continue..."),
        ("\x1b[1mAllow \x1b[32mls\x1b[0m? \x1b[0m", "Allow ls?"),
        ("Thinking…\rAllow it? \rAllow it? ", "Allow it?"),
        ("Choose >  \r", "Choose >"),
        ("all done.", ""),
        ("Is it? No.", ""),
        ("", ""),
        ("\r", ""),
    ],
)
def test_what_a_terminal_asks(shown: str, question: str) -> None:
    """The last line, as a person sees it, if it ends as questions do."""
    assert find_question(shown) == question


@pytest.mark.parametrize(
    ("question", "secret"),
    [
        ("Password:", True),
        ("Enter passphrase for key:", True),
        ("Paste your API key:", True),
        ("OPENAI_API_KEY:", True),
        ("GitHub token:", True),
        ("PIN?", True),
        ("Enter the verification code:", True),
        ("Overwrite the password file? [y/n]", False),
        ("Keep secrets out of the log? (yes/no)", False),
        ("How many tokens?", False),
        ("Spinning?", False),
    ],
)
def test_what_no_form_may_ask(question: str, secret: bool) -> None:
    """Something to be kept to oneself; yes and no never are."""
    assert is_secret(question) is secret


async def test_a_question_ends_once() -> None:
    """The first end counts; whoever comes later learns that it is over."""
    questions = Questions()
    first = questions.open("alpha", "one?")
    assert questions.open_ones == [first]
    assert questions.answer(first.number + 1, "no") is False
    assert questions.answer(first.number, "yes") is True
    assert questions.answer(first.number, "again") is False
    assert questions.refuse(first.number) is False
    questions.close(first)
    assert (first.end, first.answer) == (End.ANSWERED, "yes")

    second = questions.open("alpha", "one?")
    assert second.number == first.number + 1
    assert questions.refuse(second.number) is True
    third = questions.open("alpha", "two?")
    fourth = questions.open("alpha", "three?")
    assert (second.end, third.end, fourth.end) == (End.REFUSED, End.OVER, None)
    assert third.closed.is_set()
    questions.close(third)
    assert questions.open_ones == [fourth]
    assert repr(questions) == "<Questions: 4 so far, open: three?>"


async def test_who_waits_for_a_question_gets_the_open_one(autojump_clock: Clock) -> None:
    """Not one that has ended before it was looked at."""
    questions = Questions()
    found: list[int] = []

    async def wait() -> None:
        found.append((await questions.wait_after(1)).number)

    async with trio.open_nursery() as nursery:
        questions.open("alpha", "one?")
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        questions.refuse(questions.open("alpha", "two?").number)
        await trio.testing.wait_all_tasks_blocked()
        assert found == []
        questions.open("alpha", "three?")

    assert found == [3]
    with trio.testing.assert_checkpoints():
        assert (await questions.wait_after(0)).text == "three?"


async def test_an_audience_is_there_while_it_waits() -> None:
    """Or for good, where somebody looks again and again."""
    questions = Questions()
    with questions.audience(), questions.audience():
        assert questions.has_audience
    assert not questions.has_audience
    questions.expect()
    assert questions.has_audience


async def test_a_question_drawn_again_is_the_same(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """In pieces, over itself; another line ends it."""
    says = [
        Say(b"Trust it? [y/n] "),
        Say(b"\r\x1b[K", after_s=10),
        Say(b"Trust it? [y/n] ", after_s=REDRAW_S / 2),
        Say(b"\nthen without\n", after_s=10),
    ]
    async with open_house(tmp_path, [Turn(says=says, hangs=True)], profiles=[TEXT]) as house:
        request = house.request(route=RouteRequest(cli="alpha"), wants_terminal=True)
        handle = await house.begin(request)
        handle.questions.expect()
        question = await handle.questions.wait_after(0)
        assert trio.current_time() == pytest.approx(QUESTION_S)
        await question.closed.wait()

        assert (question.number, question.end) == (1, End.OVER)
        assert trio.current_time() == pytest.approx(20 + REDRAW_S * 1.5, abs=REDRAW_S)
        await trio.sleep(1)
        assert handle.questions.open_ones == []
        assert handle.questions.open_ones == []
        handle.cancel("enough")
        await handle.done.wait()


async def test_an_answer_is_a_sign_of_life_and_its_words_are_kept_nowhere(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Silence is counted anew from the answer on; the log says that there was one."""
    says = [Say(b"Name? "), Say(b"\na fine answer\n", after_s=800, when_typed=True)]
    async with open_house(tmp_path, [Turn(says=says)], profiles=[TEXT]) as house:
        request = house.request(
            route=RouteRequest(cli="alpha"), wants_terminal=True, timeout_s=3_000
        )
        handle = await house.begin(request)
        handle.questions.expect()
        question = await handle.questions.wait_after(0)
        await trio.sleep(800)
        assert handle.questions.answer(question.number, "Rumpelstiltskin")
        await handle.done.wait()

        assert str(handle.job.status) == "completed"
        assert house.driver.typed == [b"Rumpelstiltskin\n"]
        told = [each.event for each in handle.log.entries.since(0)]
        notes = [event.text for event in told if isinstance(event, Noted)]
        assert notes == ["alpha asks: Name?", "alpha was answered"]
        assert "Rumpelstiltskin" not in str(told)
        assert "waiting_for_input" not in [e.code for e in told if isinstance(e, Warned)]
