"""Jobs, turns and everything a CLI run passes through."""

from ._clis import Cli as Cli, CliRegistry as CliRegistry, CliState as CliState
from ._cwd import find_directory as find_directory, find_project as find_project
from ._engine import Engine as Engine, open_engine as open_engine
from ._gc import collect as collect, serve_housekeeping as serve_housekeeping
from ._job_request import (
    Client as Client,
    JobRequest as JobRequest,
    PreparedJob as PreparedJob,
    Survey as Survey,
)
from ._orphans import open_orphanage as open_orphanage
from ._prepare import new_id as new_id
from ._recovery import recover as recover, temporary_roots as temporary_roots
from ._research_once import SameResearch as SameResearch
from ._research_work import ResearchWork as ResearchWork
from .copies import (
    BaseFacts as BaseFacts,
    WorkCopies as WorkCopies,
    WorkCopy as WorkCopy,
    changed_files as changed_files,
    copies_root as copies_root,
    settle_copy as settle_copy,
)
from .jobs import (
    BEFORE_ENTRIES as BEFORE_ENTRIES,
    JobHandle as JobHandle,
    JobSupervisor as JobSupervisor,
    heartbeat as heartbeat,
    line_at as line_at,
)
from .log import JobLog as JobLog, Question as Question, Questions as Questions, TurnLog as TurnLog
