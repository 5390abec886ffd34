"""Jobs, turns and everything a CLI run passes through."""

from ._clis import Cli as Cli, CliRegistry as CliRegistry, CliState as CliState
from ._engine import (
    Client as Client,
    Engine as Engine,
    JobRequest as JobRequest,
    Prepared as Prepared,
    new_id as new_id,
    open_engine as open_engine,
)
from ._gc import serve_housekeeping as serve_housekeeping
from ._jobs import JobHandle as JobHandle, JobSupervisor as JobSupervisor
from ._log import JobLog as JobLog, utc_now as utc_now
from ._orphans import open_orphanage as open_orphanage
from ._progress import heartbeat as heartbeat, line_for as line_for
from ._questions import Question as Question, Questions as Questions
from ._recovery import recover as recover
