"""Errors carry what the wire needs."""

import pytest

from aimux import errors


def test_every_class_has_a_family_and_a_code() -> None:
    """The family is that of whoever is at fault; a more exact code may be given."""
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    leaves = [each for each in found if issubclass(each, errors.AimuxError)]

    assert len(leaves) > 5
    for each in leaves:
        families = {"peer", "refusal", "setup", "internal", "error"}
        assert each.error_type in families, each
        assert each.default_code.replace("_", "").isalpha()


def test_what_is_not_given_is_the_class_own() -> None:
    plain = errors.Refusal("no")
    exact = errors.Refusal("no", code="full", hint="wait", retryable=True, data={"queue": 4})

    assert (plain.code, plain.hint, plain.data) == (errors.Refusal.default_code, None, {})
    assert (exact.code, exact.hint, exact.retryable) == ("full", "wait", True)
    assert exact.data == {"queue": 4}
    assert str(exact) == exact.message == "no"


def test_wrong_arguments_bring_every_problem() -> None:
    problems = [{"path": "cli", "value": 7, "expected": "string"}]
    fault = errors.InvalidArguments("exec: cli", problems=problems)

    assert fault.data == {"problems": problems}
    assert fault.problems == problems
    assert fault.problems is not problems


@pytest.mark.parametrize(
    "group",
    [
        ExceptionGroup("", [KeyError("first"), ValueError()]),
        ExceptionGroup("", [ExceptionGroup("", [KeyError("first"), OSError()]), ValueError()]),
    ],
)
def test_the_first_leaf_of_a_group_is_no_group(group: ExceptionGroup[Exception]) -> None:
    """Depth first: a nested group is entered before its neighbour is looked at."""
    assert errors.first_leaf(group).args == ("first",)
