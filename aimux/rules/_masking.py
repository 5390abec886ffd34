"""What may be shown of a text that was cut somewhere: no half of a secret on either side."""

from ._redact import hides_secrets, redact, redact_bare


def mask_between(text: str, *, before: str = "", after: str = "") -> str:
    """`text` with its secrets masked as they are where it stands between `before` and `after`.

    A secret that reaches over an edge is masked too; what is shown of it is the mask, or nothing
    where the neighbour shows that. Terminal sequences stay, unless one is in the way of a secret.
    """
    mask = redact_bare if hides_secrets(before + text + after) else redact
    whole = mask(before + text + after)
    if before:
        whole = whole[_shared(mask(before), whole) :]
    if after:
        whole = whole[: len(whole) - _shared(mask(after)[::-1], whole[::-1])]
    return whole


def _shared(first: str, second: str) -> int:
    """How many characters two texts have in common from the beginning on."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))
