"""Trace context as the W3C writes it."""

import string

import pytest
from hypothesis import given, strategies as st

from aimux.model import TraceContext
from aimux.rules.traces import (
    context_env,
    context_of_env,
    context_of_meta,
    read_context,
    traceparent,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"

hexes = st.text(alphabet="0123456789abcdef")
digits_32 = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32).filter(
    lambda text: bool(text.strip("0"))
)
digits_16 = st.text(alphabet="0123456789abcdef", min_size=16, max_size=16).filter(
    lambda text: bool(text.strip("0"))
)


@pytest.mark.requirement("traces:context")
@given(digits_32, digits_16, st.integers(0, 3))
def test_what_is_written_is_read_again(trace_id: str, span_id: str, flags: int) -> None:
    """From a call's meta and from an environment, with the same words."""
    context = TraceContext(trace_id=trace_id, span_id=span_id, flags=flags, state="a=1,b@c=2")

    assert read_context(traceparent(context), context.state) == context
    assert context_of_env(context_env(context)) == context
    meta = {"traceparent": traceparent(context), "tracestate": context.state}
    assert context_of_meta(meta) == context


@given(st.text(max_size=80) | hexes | st.none() | st.integers() | st.lists(st.text()))
def test_anything_at_all_is_read_or_is_none(given: object) -> None:
    """Never an error: it is what a client sends."""
    found = read_context(given, given)

    assert found is None or len(found.trace_id) == 32


@pytest.mark.requirement("traces:context")
@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        PARENT.upper(),
        f"0-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0x",
        f"{PARENT}-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"{PARENT}\n",
        PARENT.encode(),
        None,
        17,
    ],
)
def test_a_malformed_parent_is_none(parent: object) -> None:
    """Whatever its state says."""
    assert read_context(parent, "a=1") is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """And passed on as ours, without flags that mean nothing to us."""
    found = read_context(f" cc-{TRACE}-{SPAN}-ff-what.is.to.come\t")

    assert found == TraceContext(trace_id=TRACE, span_id=SPAN, flags=3)
    assert found.is_sampled
    assert traceparent(found) == f"00-{TRACE}-{SPAN}-03"


def test_a_trace_that_is_not_kept_says_so() -> None:
    """By the last bit alone."""
    found = read_context(f"00-{TRACE}-{SPAN}-02")

    assert found is not None
    assert not found.is_sampled


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("a=1", "a=1"),
        (" a=1 ,, b=2\t", "a=1,b=2"),
        ("vendor@sys=x y", "vendor@sys=x y"),
        ("1vendor@sys=x", "1vendor@sys=x"),
        ("", ""),
        (",", ""),
        ("a", ""),
        ("a=", ""),
        ("A=1", ""),
        ("a=1,a=2", ""),
        ("a=1\r\nX: y", ""),
        ("a=1=2", ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
        (",".join(f"k{n}=1" for n in range(33)), ""),
        (f"a={'x' * 256},b={'y' * 251}", f"a={'x' * 256},b={'y' * 251}"),
        (f"a={'x' * 256},b={'y' * 252}", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_a_state_is_kept_whole_or_dropped(state: object, kept: str) -> None:
    """Its parent stays."""
    found = read_context(PARENT, state)

    assert found == TraceContext(trace_id=TRACE, span_id=SPAN, flags=1, state=kept)


@given(st.text(alphabet=string.printable, max_size=600))
def test_no_state_breaks_an_environment(state: str) -> None:
    """What is kept is printable and within what everybody passes on."""
    found = read_context(PARENT, state)

    assert found is not None
    assert len(found.state) <= 512
    assert found.state == "" or found.state.isprintable()


def test_no_state_is_no_variable() -> None:
    """Nobody gets an empty one."""
    context = TraceContext(trace_id=TRACE, span_id=SPAN, flags=1)

    assert context_env(context) == {"TRACEPARENT": PARENT}
    assert context_of_env({}) is None
    assert context_of_meta({}) is None
