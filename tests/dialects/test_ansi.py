"""The stripper takes every escape family away and never a letter of text."""

import pytest
from hypothesis import given, strategies as st

from aimux.dialects._ansi import _replay, clean, clean_lines, is_plain

ESC = "\x1b"
SEQUENCES = (
    f"{ESC}[31m",
    f"{ESC}[?2004h",
    f"{ESC}[38;2;1;2;3m",
    f"{ESC}[0 q",
    f"{ESC}[<u",
    f"{ESC}]0;a title\x07",
    f"{ESC}]8;;https://example.org{ESC}\\",
    f"{ESC}P1;2|data{ESC}\\",
    f"{ESC}_an application command{ESC}\\",
    f"{ESC}^a privacy message{ESC}\\",
    f"{ESC}Xa string{ESC}\\",
    f"{ESC}(B",
    f"{ESC})0",
    f"{ESC}#8",
    f"{ESC}=",
    f"{ESC}>",
    f"{ESC}7",
    f"{ESC}c",
    "\x9b1m",
    "\x9d0;title\x9c",
    "\x90data\x9c",
    "\x07",
    "\x00",
    "\x7f",
    "\x0e",
)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
def test_each_family_goes_and_text_stays(sequence: str) -> None:
    """A sequence between words leaves the words."""
    assert clean(f"one{sequence}two") == "onetwo"
    assert not is_plain(f"one{sequence}two".encode())


@given(
    st.lists(st.tuples(st.text("abc äöü{}[]()\\;:0123\t", max_size=8), st.sampled_from(SEQUENCES)))
)
def test_text_between_sequences_survives(parts: list[tuple[str, str]]) -> None:
    """Nothing is eaten, whatever stands around it."""
    line = "".join(text + sequence for text, sequence in parts)

    assert clean(line) == "".join(text for text, _ in parts)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"{ESC}]0;no end of this title", "0;no end of this title"),
        (f"{ESC}Pno end{ESC}[1mbold", "no endbold"),
        (f"{ESC}[ 2024 was a year", " 2024 was a year"),
        (f"cut here{ESC}[38;2;1", "cut here"),
        (f"cut here{ESC}", "cut here"),
        (f"{ESC}]0;{ESC}]0;second\x07text", "0;text"),
    ],
)
def test_broken_sequence_costs_its_introducer_only(line: str, left: str) -> None:
    """A string without an end gives its text back."""
    assert clean(line) == left


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("10%\r50%\r100%", "100%"),
        ("100%\r5", "500%"),
        ("text\r", "text"),
        ("text\r\r", "text"),
        ("░█\b\b  \b\bANSWER", "ANSWER"),
        ("\b\bx", "x"),
        ("abc\b\bX", "aXc"),
        (f"Working...\r{ESC}[KDone", "Done"),
        (f"Working...{ESC}[2K\rDone", "Done"),
        (f"Working...{ESC}[4D{ESC}[1KX", "      X..."),
        (f"a{ESC}[3Cb", "a   b"),
        (f"a{ESC}[5Gb", "a   b"),
        (f"abc{ESC}[Db", "abb"),
        (f"abcd\r{ESC}[2Xx", "x cd"),
        (f"ab{ESC}[9Xc", "abc"),
        (f"one{ESC}[31m\rtwo{ESC}[0m", "two"),
        ("a\tb\rc", "c\tb"),
    ],
)
def test_cursor_moves_overwrite(line: str, left: str) -> None:
    """What is left is what a terminal shows."""
    assert clean(line) == left


@given(
    st.lists(
        st.tuples(st.text("ab ä", max_size=4), st.sampled_from(("\r", "\r", "\r", *SEQUENCES)))
    )
)
def test_spinner_is_read_from_its_end(parts: list[tuple[str, str]]) -> None:
    """The short way gives what playing the whole line gives."""
    line = "".join(text + sequence for text, sequence in parts).rstrip("\r")

    assert clean(line).rstrip(" ") == _replay(line)


@given(
    st.lists(
        st.tuples(
            st.text("ab ä", max_size=3),
            st.sampled_from(
                ("\n", "\n", "\r", "\b", f"{ESC}[K", f"{ESC}]0;x", f"{ESC}[3", *SEQUENCES)
            ),
        )
    )
)
def test_lines_are_cleaned_together_as_one_by_one(parts: list[tuple[str, str]]) -> None:
    """No sequence reaches into the next line."""
    text = "".join(text + sequence for text, sequence in parts)

    assert clean_lines(text) == "\n".join(clean(line) for line in text.split("\n"))


def test_forged_cursor_move_costs_no_memory() -> None:
    """A column far out is clamped."""
    assert len(clean(f"a{ESC}[999999999Cb{ESC}[99999999999999Gc")) <= 4100


@given(st.text())
def test_cleaning_twice_is_cleaning_once(line: str) -> None:
    """What is clean stays."""
    once = clean(line.replace("\n", ""))

    assert clean(once) == once


@given(st.binary())
def test_plain_bytes_need_no_cleaning(data: bytes) -> None:
    """The quick test is never wrong."""
    if is_plain(data):
        text = data.decode("utf-8", "replace").replace("\n", "")

        assert clean(text) == text


@pytest.mark.parametrize("part", [f"{ESC}]", "\x9d", f"{ESC}[", f"{ESC}P0;", "\r\b", f"{ESC}[1"])
def test_hostile_lines_are_read_in_linear_time(part: str) -> None:
    """A megabyte of introducers is no work to speak of; quadratic would be hours."""
    line = part * (2**20 // len(part))

    assert len(clean(line)) <= len(line)
