"""What a job and its turns have said and done, and who waits for it."""

from ._log import COALESCE_S as COALESCE_S, JobLog as JobLog, NotStored as NotStored
from ._questions import (
    End as End,
    Question as Question,
    Questions as Questions,
    find_question as find_question,
    is_secret as is_secret,
)
from ._turn_log import TurnLog as TurnLog
