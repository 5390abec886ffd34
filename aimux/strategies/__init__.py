"""What a job can be made of: coroutines over `ask` and `note`, one module each.

Those with several seats have a room of their own: an `exec` reads only its own.
"""

from ._base import Ask as Ask, Note as Note, Report as Report, Seat as Seat, Work as Work
from ._single import single as single
