"""What every strategy is written with. Nothing else reaches it: no tool, no driver, no store."""

from aimux.model import (
    Ask as Ask,
    Note as Note,
    Report as Report,
    Seat as Seat,
    Work as Work,
)
