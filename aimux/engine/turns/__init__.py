"""One run of one CLI to its answer: asked, attempted, understood, ended."""

from ._ask import (
    Asker as Asker,
    request_slot as request_slot,
    wait_slot as wait_slot,
    why_ended as why_ended,
)
