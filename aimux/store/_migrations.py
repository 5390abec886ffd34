"""The tables, and how an older file gets them.

`user_version` counts the steps a file has been through; a step is never changed after a release.

Seven tables hold values, each as columns that are searched or changed beside one JSON `body`:

- `sessions`: the body is a whole `Session`; `status` and `active_us` are the truth where they
  differ from it (a job that starts or ends rolls its state up without rewriting the body).
- `jobs`: the body is a `Job` without its outcome; `parent` is the row of the job it is a step of,
  as long as that is kept; `status`, `started_us`, `finished_us`, `last_seq` and `outcome` are the
  truth, the first three being a fold over the log.
- `entries`: a job's log, clustered by job and sequence number; the body is the event with its kind.
- `thoughts`: the body is a whole `ThoughtSession`; there are no jobs to it.
- `investigations`: the body is a whole `Investigation`; `investigation_index` is the full-text
  index over its question and findings, kept by triggers.
- `research_runs`: the body is a whole `ResearchTask`, what a vendor does for a job that is open or
  was; `research_answers`: the body is a whole `Research`, given again until it is old.

`tallies` counts rows by status, kept by triggers, so that a summary costs the same at any size.
Times are microseconds since 1970, UTC.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aimux.errors import StoreUnavailable

from ._investigations import INVESTIGATIONS
from ._research import RESEARCH

APPLICATION_ID: Final = 0x61696D78  # "aimx": tells our file from somebody else's

_FIRST: Final = """
CREATE TABLE sessions (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL,
    cli       TEXT NOT NULL,
    status    TEXT NOT NULL,
    active_us INTEGER NOT NULL,
    body      BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_active ON sessions (active_us);
CREATE INDEX sessions_status ON sessions (status, active_us);
CREATE INDEX sessions_cli ON sessions (cli, active_us);
CREATE INDEX sessions_kind ON sessions (kind, active_us);

CREATE TABLE jobs (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    session     INTEGER REFERENCES sessions (number),
    cli         TEXT NOT NULL,
    owner       TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    started_us  INTEGER,
    finished_us INTEGER,
    last_seq    INTEGER NOT NULL,
    body        BLOB NOT NULL,
    outcome     BLOB
) STRICT;
CREATE INDEX jobs_created ON jobs (created_us);
CREATE INDEX jobs_session ON jobs (session, created_us);
CREATE INDEX jobs_status ON jobs (status, created_us);
CREATE INDEX jobs_cli ON jobs (cli, created_us);
CREATE INDEX jobs_finished ON jobs (finished_us) WHERE finished_us IS NOT NULL;

CREATE TABLE entries (
    job      INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    at_us    INTEGER NOT NULL,
    offset_s REAL NOT NULL,
    kind     TEXT NOT NULL,
    body     BLOB NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE tallies (
    what   TEXT NOT NULL,
    status TEXT NOT NULL,
    total  INTEGER NOT NULL,
    PRIMARY KEY (what, status)
) STRICT, WITHOUT ROWID;
"""

# a row for every state from the start: a plain UPDATE costs a trigger half of an upsert
_TALLY: Final = """
INSERT INTO tallies VALUES
    ('{what}', 'queued', 0), ('{what}', 'running', 0), ('{what}', 'completed', 0),
    ('{what}', 'partial', 0), ('{what}', 'failed', 0), ('{what}', 'cancelled', 0),
    ('{what}', 'timed_out', 0), ('{what}', 'aborted', 0);
CREATE TRIGGER {what}_born AFTER INSERT ON {what} BEGIN
    UPDATE tallies SET total = total + 1 WHERE what = '{what}' AND status = NEW.status;
END;
CREATE TRIGGER {what}_moved AFTER UPDATE OF status ON {what} WHEN OLD.status <> NEW.status BEGIN
    UPDATE tallies SET total = total - 1 WHERE what = '{what}' AND status = OLD.status;
    UPDATE tallies SET total = total + 1 WHERE what = '{what}' AND status = NEW.status;
END;
CREATE TRIGGER {what}_gone AFTER DELETE ON {what} BEGIN
    UPDATE tallies SET total = total - 1 WHERE what = '{what}' AND status = OLD.status;
END;
"""

# Two fields that nothing set. Outcomes also say since then whether they were cut, which older
# versions cannot read: the number keeps them out.
_LEANER: Final = """
UPDATE sessions SET body = CAST(
    json_remove(CAST(body AS TEXT), '$.native_chosen', '$.cli_version') AS BLOB
);
"""

# Jobs have parents, sessions a seat for each participant, outcomes a list of turns. What a turn
# came to stands in its end, so the end of the job carries no outcome any more. The ends of older
# turns had a failure or an exit code; the last one that gave an answer gave the job's.
_SEATS: Final = """
ALTER TABLE jobs ADD COLUMN parent INTEGER REFERENCES jobs (number) ON DELETE SET NULL;
CREATE INDEX jobs_parent ON jobs (parent, created_us) WHERE parent IS NOT NULL;
UPDATE sessions SET body = CAST(
    json_remove(
        json_set(CAST(body AS TEXT), '$.seats', json_object('', json_object(
            'cli', json_extract(CAST(body AS TEXT), '$.cli'),
            'model', coalesce(json_extract(CAST(body AS TEXT), '$.model'), ''),
            'native_id', coalesce(json_extract(CAST(body AS TEXT), '$.native_id'), ''),
            'turns', coalesce(json_extract(CAST(body AS TEXT), '$.turns'), 0)
        ))),
        '$.model', '$.native_id', '$.turns'
    ) AS BLOB
);
UPDATE jobs SET outcome = CAST(json_set(CAST(outcome AS TEXT), '$.turns', json_array()) AS BLOB)
WHERE outcome IS NOT NULL;
UPDATE entries SET body = CAST(json_remove(CAST(body AS TEXT), '$.outcome') AS BLOB)
WHERE kind = 'job_finished';
UPDATE entries SET body = CAST(
    json_object('kind', kind, 'result', json_object(
        'turn', turn,
        'status', 'failed',
        'failure', json_extract(CAST(body AS TEXT), '$.failure')
    )) AS BLOB
)
WHERE kind = 'turn_failed';
UPDATE entries SET body = CAST(
    json_object('kind', kind, 'result', json_object(
        'turn', turn,
        'status', 'completed',
        'exit_code', json_extract(CAST(body AS TEXT), '$.exit_code'),
        'duration_ms', json_extract(CAST(body AS TEXT), '$.duration_ms')
    )) AS BLOB
)
WHERE kind = 'turn_finished';
UPDATE entries SET body = CAST(
    json_set(CAST(entries.body AS TEXT),
        '$.result.content', json_extract(CAST(outcome AS TEXT), '$.content'),
        '$.result.is_cut', json(
            iif(json_extract(CAST(outcome AS TEXT), '$.is_cut'), 'true', 'false')
        ),
        '$.result.cli', json_extract(CAST(outcome AS TEXT), '$.cli'),
        '$.result.model', json_extract(CAST(outcome AS TEXT), '$.model')
    ) AS BLOB
)
FROM jobs WHERE jobs.number = entries.job AND outcome IS NOT NULL AND kind = 'turn_finished'
    AND seq = (SELECT max(seq) FROM entries AS others
        WHERE others.job = entries.job AND others.kind = 'turn_finished');
"""

# Sessions of thinking, each a row that is rewritten whole.
THOUGHTS: Final = """
CREATE TABLE thoughts (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    pattern   TEXT NOT NULL,
    active_us INTEGER NOT NULL,
    body      BLOB NOT NULL
) STRICT;
CREATE INDEX thoughts_active ON thoughts (active_us);
"""

# A field of sessions that nothing read.
PLAINER: Final = """
UPDATE sessions SET body = CAST(json_remove(CAST(body AS TEXT), '$.metadata') AS BLOB);
"""

STEPS: Final[Sequence[str]] = (
    _FIRST + _TALLY.format(what="sessions") + _TALLY.format(what="jobs"),
    _LEANER,
    _SEATS,
    THOUGHTS,
    INVESTIGATIONS,
    RESEARCH,
    PLAINER,
)


def migrate(
    connection: sqlite3.Connection, path: Path | None = None, steps: Sequence[str] = STEPS
) -> int:
    """Bring the file up to date, each step in one transaction; returns how many were taken.

    Raises:
        StoreUnavailable: the file was written by a later version, or is not ours at all.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise _foreign(path)
    if version and mark != APPLICATION_ID:
        raise _foreign(path)
    if version > len(steps):
        msg = f"store {path}: schema {version} is newer than this version, which knows {len(steps)}"
        raise StoreUnavailable(
            msg,
            code="store_newer",
            hint="update aimux, or name another directory in AIMUX_STATE_DIR",
            data={"schema": version, "known": len(steps)},
        )
    for number, step in enumerate(steps[version:], version + 1):
        # executescript would commit what is open, so the transaction is part of the script
        connection.executescript(
            f"BEGIN IMMEDIATE; {step}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number}; COMMIT;"
        )
    return len(steps) - version


def _foreign(path: Path | None) -> StoreUnavailable:
    return StoreUnavailable(
        f"store {path}: a database of another program",
        code="store_foreign",
        hint="name another directory in AIMUX_STATE_DIR",
    )
