"""Answers of several seats to one contract, joined without a strategy around it."""

from collections.abc import Mapping
from typing import Any

from aimux.rules import compile_schema
from aimux.think import answer
from aimux.think.panel import Opinion, contract_of, joined, role_of

from .helpers import steps

Json = dict[str, Any]
CLIS = {"A": "codex", "B": "gemini", "C": "claude"}


def join(name: str, fields: Json, *answers: Mapping[str, Any] | str) -> Json:
    """What `think` answers when seats A, B, … said these; a text is prose, "" is no answer.

    The answers have to fit the contract.
    """
    step = steps(name, fields)
    contract = contract_of(step)
    assert contract is not None
    fits = compile_schema(contract.schema)
    opinions = []
    for at, (seat, said) in enumerate(zip(CLIS, answers, strict=False)):
        data = None if isinstance(said, str) else said
        assert data is None or fits(data), data
        opinions.append(
            Opinion(
                seat=seat,
                cli=CLIS[seat],
                role=role_of(contract, at),
                data=data,
                text=said if isinstance(said, str) else "",
                reason="" if said else "timed_out",
            )
        )
    return joined(step, contract, answer(step), opinions, [])


def consensus(name: str, fields: Json, *answers: Mapping[str, Any] | str) -> Json:
    """The block of the same."""
    block = join(name, fields, *answers)["consensus"]
    assert isinstance(block, dict)
    return block


def findings(name: str, fields: Json, *answers: Mapping[str, Any] | str) -> Json:
    """What is found across the answers."""
    found = consensus(name, fields, *answers)["findings"]
    assert isinstance(found, dict)
    return found


def data(name: str, fields: Json, *answers: Mapping[str, Any] | str) -> Json:
    """What the pattern computed on what was merged; of a technique, its own block."""
    found = join(name, fields, *answers)["data"]
    inner = found.get("technique", found)
    assert isinstance(inner, dict)
    return inner
