"""The lenient shapes, for what people write: YAML documents and environment text."""

import functools
from typing import TYPE_CHECKING, Final, TypeVar

from ._converters import common, refusal, structure

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0", ""})


class TextShapes:
    """The lenient converter, for what people write: YAML documents and environment text."""

    def structure(self, data: object, shape: type[T]) -> T:
        """A value of class `shape` from YAML or environment text.

        Raises:
            ShapeMismatch: `problems` holds every fault as `what @ key.path`.
        """
        return structure(_lenient(), shape, data)


TEXT: Final = TextShapes()


@functools.cache
def _lenient() -> "Converter":
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    common(made)
    made.register_structure_hook(str, _text_str)
    made.register_structure_hook(int, _text_int)
    made.register_structure_hook(float, _text_float)
    made.register_structure_hook(bool, _text_bool)
    return made


def _text_str(data: object, _: object) -> str:
    match data:
        case str():
            return str(data)  # a YAML scalar may be a subclass that remembers its quotes
        case bool():
            return "true" if data else "false"
        case int() | float():
            return str(data)
        case _:
            raise refusal(data, "text")


def _text_int(data: object, _: object) -> int:
    match data:
        case bool():
            raise refusal(data, "a whole number")
        case int():
            return int(data)
        case float() if data.is_integer():
            return int(data)
        case str():
            try:
                return int(data.strip())
            except ValueError:
                raise refusal(data, "a whole number") from None
        case _:
            raise refusal(data, "a whole number")


def _text_float(data: object, _: object) -> float:
    match data:
        case bool():
            raise refusal(data, "a number")
        case int() | float():
            return float(data)
        case str():
            try:
                return float(data.strip())
            except ValueError:
                raise refusal(data, "a number") from None
        case _:
            raise refusal(data, "a number")


def _text_bool(data: object, _: object) -> bool:
    if isinstance(data, bool):
        return data
    word = str(data).strip().lower() if isinstance(data, str | int) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise refusal(data, "true or false")
