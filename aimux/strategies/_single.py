"""One seat, one turn: what `exec` is."""

from collections.abc import Mapping

from aimux.rules import report_turn

from ._base import Ask, Note, Report, Seat, Work


def single(
    prompt: str, *, seat: Seat | None = None, schema: Mapping[str, object] | None = None
) -> Work:
    """The work of asking one seat once; its answer is the job's. With `schema` it has to fit."""

    async def work(ask: Ask, note: Note) -> Report:
        del note
        return report_turn(await ask(seat or Seat(), prompt, schema=schema))

    return work
