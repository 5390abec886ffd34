"""A CLI that calls aimux does not call itself for ever."""

import pytest
from hypothesis import given, strategies as st

from aimux.errors import Refusal
from aimux.rules import LINEAGE_VARIABLE, Lineage, enter_job, lineage, lineage_env, nested_limit_s
from aimux.rules._recursion import MAX_DEPTH, MAX_DESCENDANTS, decode, encode


def nested(levels: int, left_s: float = 60.0) -> dict[str, str]:
    """The environment of a child so many levels deep, each started with `left_s` left."""
    env: dict[str, str] = {}
    for level in range(levels):
        env = lineage_env(enter_job(env, f"job_{level}"), left_s)
    return env


def test_a_child_learns_root_depth_and_time() -> None:
    here = enter_job({"PATH": "/bin"}, "job_A")
    env = lineage_env(here, 59.5)

    assert here == Lineage(root="job_A", depth=1)
    assert set(env) == {LINEAGE_VARIABLE}
    assert lineage(env) == (Lineage(root="job_A", depth=1, descendants=0, left_s=59.0), None)


def test_each_child_is_told_the_time_left_at_its_own_start() -> None:
    """A job is entered once; its children start when they start."""
    here = enter_job({}, "job_A")

    assert nested_limit_s(lineage_env(here, 300.0), 999.0) == 300.0
    assert nested_limit_s(lineage_env(here, 100.0), 999.0) == 100.0
    assert here.left_s is None


def test_the_root_stays_and_the_depth_grows() -> None:
    found, warned = lineage(nested(3))

    assert warned is None
    assert (found.root, found.depth, found.descendants) == ("job_0", 3, 2)


def test_a_call_from_outside_has_no_lineage() -> None:
    assert lineage({}) == (Lineage(), None)
    assert nested_limit_s({}, 60.0) == 60.0


def test_beyond_the_allowed_depth_it_is_refused() -> None:
    deepest = nested(MAX_DEPTH + 1)
    with pytest.raises(Refusal, match="called itself 4 levels deep: 3 are allowed") as caught:
        enter_job(deepest, "job_x")

    assert caught.value.code == "too_deep"
    assert not caught.value.retryable
    assert caught.value.data == {"root": "job_0", "depth": 4}
    assert str(caught.value.hint).startswith("let the outermost agent make the calls")


def test_too_many_descendants_are_refused_by_either_count() -> None:
    full = {LINEAGE_VARIABLE: encode(Lineage(root="r", depth=1, descendants=MAX_DESCENDANTS))}
    with pytest.raises(Refusal, match="50 jobs were begun under r: 50 are allowed") as caught:
        enter_job(full, "job_x")
    with pytest.raises(Refusal):
        enter_job(nested(1), "job_x", descendants=MAX_DESCENDANTS)
    counted = enter_job(nested(1), "job_x", descendants=MAX_DESCENDANTS - 1)

    assert caught.value.code == "too_many_descendants"
    assert counted.descendants == MAX_DESCENDANTS


def test_nobody_outside_is_refused_for_anothers_count() -> None:
    assert enter_job({}, "job_x", descendants=999) == Lineage(root="job_x", depth=1)


def test_a_nested_job_has_no_more_time_than_the_one_above() -> None:
    env = nested(1)

    assert nested_limit_s(env, 600.0) == 60.0
    assert nested_limit_s(env, 10.0) == 10.0


def test_a_deadline_in_the_past_leaves_nothing() -> None:
    assert nested_limit_s(nested(1, left_s=-4.0), 10.0) == 0.0


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "1.job_A.1.0.60",
        "1.job_A.1.0.60.00000000",
        "2" + encode(Lineage(root="job_A", depth=1))[1:],
        encode(Lineage(root="job_A", depth=3)).replace(".3.", ".0."),
        encode(Lineage(root="", depth=1)),
    ],
)
def test_a_garbled_token_counts_as_outside_with_a_warning(token: str) -> None:
    found, warned = lineage({LINEAGE_VARIABLE: token})

    assert found == Lineage()
    assert warned is not None
    assert warned.code == "lineage_garbled"
    assert warned.message.startswith(f"{LINEAGE_VARIABLE} is garbled")


@pytest.mark.slow
@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.integers(0, 9),
    st.integers(0, 99),
    st.integers(0, 10_000),
)
def test_a_token_reads_back_as_written(
    root: str, depth: int, descendants: int, left_s: int
) -> None:
    said = Lineage(root=root, depth=depth, descendants=descendants, left_s=float(left_s))

    assert decode(encode(said)) == (said, None)


@given(st.text(max_size=80))
def test_anything_can_stand_in_the_variable(text: str) -> None:
    found, warned = decode(text)

    assert found.depth >= 0
    assert (warned is None) or found == Lineage()
