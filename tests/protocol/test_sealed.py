"""State that a client carries for us."""

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, strategies as st

from aimux.protocol import Seal, SealBroken

NOW = datetime(2026, 7, 28, tzinfo=UTC)
SEAL = Seal(b"k" * 32)
PARAMS = {"name": "delete", "arguments": {"file": "a", "n": 1}}
WHO = {"principal": "token:1", "method": "tools/call"}


def sealed() -> str:
    return SEAL.close({"step": 1}, **WHO, params=PARAMS, now=NOW)


def test_state_comes_back_with_the_retry_of_the_same_call() -> None:
    """F-15: the retry has a new id and answers; order of keys and envelope do not matter."""
    retry = {
        "arguments": {"n": 1, "file": "a"},
        "name": "delete",
        "inputResponses": {"k": {}},
        "requestState": "s",
        "_meta": {"progressToken": 0},
    }

    assert SEAL.open(sealed(), **WHO, params=retry, now=NOW) == {"step": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"principal": "token:2"},
        {"method": "prompts/get"},
        {"params": {"name": "delete", "arguments": {"file": "b", "n": 1}}},
        {"params": {"name": "other", "arguments": {"file": "a", "n": 1}}},
        {"now": NOW + timedelta(seconds=600)},
    ],
)
def test_state_is_bound_to_caller_call_and_time(change: dict[str, object]) -> None:
    """F-16: another principal, method, argument or a late hour is refused."""
    with pytest.raises(SealBroken):
        SEAL.open(sealed(), **({**WHO, "params": PARAMS, "now": NOW} | change))


def test_other_key_is_refused() -> None:
    with pytest.raises(SealBroken, match="not for this call"):
        Seal(b"j" * 32).open(sealed(), **WHO, params=PARAMS, now=NOW)


def test_short_key_is_refused_and_no_key_is_shown() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(b"short")
    assert "kkk" not in repr(SEAL)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_changed_bit_is_an_error(at: int, bit: int) -> None:
    state = bytearray(sealed().encode())
    state[at % len(state)] ^= 1 << bit

    with pytest.raises(SealBroken):
        SEAL.open(state.decode("latin-1"), **WHO, params=PARAMS, now=NOW)


@given(state=st.text(max_size=80))
def test_made_up_states_are_errors(state: str) -> None:
    with pytest.raises(SealBroken):
        SEAL.open(state, **WHO, params=PARAMS, now=NOW)


def test_payload_cannot_be_swapped() -> None:
    """A longer life written into the payload breaks the tag; so does the suite's suffix."""
    body, tag = sealed().split(".")
    raw = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[0] += 3600
    forged = base64.urlsafe_b64encode(orjson.dumps(raw)).decode().rstrip("=")

    for state in (f"{forged}.{tag}", sealed() + "-TAMPERED", body, f"{body}."):
        with pytest.raises(SealBroken):
            SEAL.open(state, **WHO, params=PARAMS, now=NOW)
