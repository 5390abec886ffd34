"""One seat, one turn: what `exec` is."""

from collections.abc import Mapping

from aimux.rules import report_turn

from ._base import Ask, Note, Report, Seat, Work


def single(prompt: str, *, schema: Mapping[str, object] | None = None) -> Work:
    """The work of asking the one seat once; its answer is the job's, and fits `schema` if given."""

    async def work(ask: Ask, note: Note) -> Report:
        del note
        return report_turn(await ask(Seat(), prompt, schema=schema))

    return work
