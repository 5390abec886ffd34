"""Whatever fits a pattern's schema: nothing raises, and the answer is JSON."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aimux.rules import compile_schema
from aimux.think import PATTERNS, TECHNIQUES, answer, choose, render, run, schema_for, stored
from aimux.think.panel import Opinion, contract_of, joined
from aimux.think.panel._combine import computed, given_of, normalised
from aimux.think.panel._opinions import clustered

from ..extent import examples

TEXTS = st.one_of(
    st.sampled_from(["", "A", "B", "E-1", "H-1", "A-1", "C-1", "not so", "2024-01-01", "3 weeks"]),
    st.sampled_from(["the cache is slow", "the cache is not slow", "obviously fast", "x" * 300]),
    st.text(max_size=12),
)


def values(schema: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema of the portable subset."""
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        return st.one_of([values({**schema, "type": kind}, depth) for kind in kinds])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    low, high = schema.get("minimum", -1e9), schema.get("maximum", 1e9)
    match kinds:
        case "integer":
            return st.integers(int(low), int(high)) | st.integers(
                int(low), min(int(high), int(low) + 5)
            )
        case "number":
            return st.floats(low, high, allow_nan=False) | st.sampled_from([low, high])
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values(schema["items"], depth + 1), max_size=4)
        case "object" if "properties" in schema:
            known = {name: values(each, depth + 1) for name, each in schema["properties"].items()}
            needed = {name: known.pop(name) for name in schema["required"]}
            return st.fixed_dictionaries(needed, optional=known)
        case "object":
            return st.dictionaries(TEXTS, values(schema["additionalProperties"]), max_size=3)
        case _ if schema.get("minLength"):
            return TEXTS.filter(bool)
        case _:
            return TEXTS


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PATTERNS, *TECHNIQUES])
def test_no_pattern_raises_on_what_fits_its_schema(name: str) -> None:
    """Two steps of a session, each with any fields; the second goes on with the first."""
    choice = choose(name)
    schema = schema_for(choice)
    fits = compile_schema(schema)

    @settings(
        max_examples=examples(10, 25),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(first=values(schema), second=values(schema))
    def check(first: dict[str, Any], second: dict[str, Any]) -> None:
        body: dict[str, object] | None = {} if choice.is_stateful else None
        for fields in (first, second):
            assert fits(fields)
            step = run(choice, fields, (), body)
            body = stored(step.session) if step.session else body
            shown = answer(step, "thk_1")

            assert orjson.dumps(shown)
            assert render(shown).isprintable() or "\n" in render(shown)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PATTERNS, *TECHNIQUES])
def test_no_answer_of_a_cli_that_fits_its_contract_raises(name: str) -> None:
    """Any fields and answers: what the pattern is then given fits its schema."""
    choice = choose(name)
    schema = schema_for(choice)
    fits = compile_schema(schema)
    contract = contract_of(run(choice, {}))
    if contract is None:
        return

    @settings(
        max_examples=examples(5, 10),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(fields=values(schema), said=st.lists(values(contract.schema), min_size=1, max_size=3))
    def check(fields: dict[str, Any], said: list[dict[str, Any]]) -> None:
        step = run(choice, fields, (), {} if choice.is_stateful else None)
        wanted = contract_of(step)
        assert wanted is not None
        opinions = [
            Opinion(seat="ABC"[at], cli=f"cli-{at}", role="r", data=each)
            for at, each in enumerate(said)
        ]
        usable = normalised(name, opinions)
        found = clustered(wanted.lists, given_of(step), usable)

        assert all(map(fits, computed(step, wanted, found, usable)))
        made = joined(step, wanted, answer(step), opinions, [])
        assert orjson.dumps(made)
        assert render(made)

    check()
