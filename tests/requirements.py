"""What aimux promises, by id. A test that holds a promise carries its id:

    @pytest.mark.requirement("exec:async")

`test_requirements.py` checks both directions. A promise that nothing holds yet is no missing test:
it stands in `GAPS` with its reason.
"""

from collections.abc import Mapping
from typing import Final

REQUIREMENTS: Final[Mapping[str, str]] = {
    # a turn
    "turn:answer": "every CLI answers one prompt through MCP over stdio",
    "turn:resume": "a second call with a session id goes on with the CLI's own conversation",
    "turn:retell": "a CLI that cannot resume is told the earlier turns in its prompt",
    "turn:usage": "token counts are what the CLI printed",
    "turn:messages": "several messages of a turn keep their order",
    "turn:one_session_one_job": "a session has one job at a time",
    "prompt:bytes": "prompts of any size and shape arrive byte for byte",
    "prompt:refused": "a prompt that cannot be given is refused before anything starts",
    # several seats
    "tools:audit": "rules, scanners and validators; what did not run never reads as clean",
    "tools:workflow": "tools are called as steps of one job; all of it is checked before the first",
    "workflow:resume": "a step that would call the same again is reused, after a kill too",
    "tools:consensus": "several CLIs answer apart from each other; what they agree on is counted",
    "consensus:lost": "who is lost is named, and makes it partial; without a quorum it has failed",
    "consensus:evidence": "what members claim of files is looked up, and weighs in the confidence",
    "consensus:grouping": "positions in free text are told apart, and put together, on real pairs",
    "tools:dialog": "a proposer and a critic build one answer in turns until nothing blocks it",
    "dialog:unreadable": "a critique that cannot be read approves of nothing",
    "dialog:goes_on": "a dialog goes on by its session, also after the daemon was killed",
    "dialog:lost": "a lost seat, a spent budget or time that is over leaves the last draft",
    "tools:debate": "two sides argue apart, and a judge who is neither rules in both orders",
    "debate:struck": "what a side quotes or cites and is found nowhere does not reach the judge",
    "debate:flip": "a verdict that changes with the order of the sides is a draw",
    "debate:forfeit": "a failed turn forfeits its phase; what was said is kept, and it is partial",
    "debate:judge": "a judge who is a party is told, and an unreadable one gives no verdict",
    # what a CLI may do
    "mode:read": "in read mode neither editor nor shell changes the user's tree",
    "mode:write": "in write mode the file is written",
    "mode:own_files": "no CLI leaves its own files in the project",
    "mode:danger": "danger needs the configuration's leave",
    "mode:role": "a role carries its stance",
    "argv:pinned": "the argv of every CLI, mode, way and session is as reviewed",
    "emulators:grammar": "an emulator takes and refuses the flags of the version it imitates",
    "child:environment": "a child sees the baseline, its allow-list and explicit values",
    "child:no_helper_left": "helpers of a child do not outlive it",
    # how it ends
    "faults:class": "every fault ends in its state, class and code, within its deadline",
    "faults:no_process_left": "no process is left after any fault",
    "faults:runaway": "endless steps are ended by a cap",
    "faults:partial_text": "a timeout keeps what was said",
    "faults:transient_again": "a transient failure is tried once more",
    "faults:stderr_tail": "a failure brings exit code, stderr and a hint",
    "resources:raw": "what a CLI printed can be read, both ends of it",
    "cancel:notification": "cancelling a request ends its job and answers nothing",
    "cancel:no_process_left": "cancelling ends the whole tree of each CLI",
    "cancel:action": "a job is ended by its id and keeps its text",
    "cancel:keeps_partial": "a cancelled job keeps what there is",
    "kill:session": "killing a session spares others",
    "timeout:whole_call": "a call has a deadline",
    "job:one_end": "a job has one terminal state, the first",
    "job:row_first": "a job's row is committed before its id is given out",
    # many turns
    "turns:apart": "turns side by side keep text, usage, native session, question and end apart",
    "turns:usage_sum": "tokens of retries and repairs are in a job's sum",
    "turns:one_end": "each turn that was started has one end, whatever ended it",
    "turns:one_end_after_kill": "each turn has one end after kill -9 of the server too",
    "slots:no_self_wait": "a job that opens a job at capacity one ends",
    "slots:bounded": "no more children run than there are slots",
    "slots:crossing": "fallbacks that cross at one slot per CLI both end",
    "recursion:time_left": "a child is told the time that is left when it starts",
    "strategies:mcp": "a strategy of a few lines runs over real children and through MCP",
    "dialect:cut_anywhere": "output may be cut at any byte",
    # calls
    "exec:async": "a job in the background has an id at once",
    "exec:hand_over": "a long call is handed over with the call that goes on with it",
    "exec:dry_run": "a dry run starts nothing",
    "exec:aliases": "names users know from elsewhere are understood",
    "exec:schema": "an answer that fits its schema comes as data",
    "exec:schema_repair": "an answer that does not fit is asked for once more",
    "exec:schema_partial": "an answer that never fits is partial",
    "exec:schema_checked": "a bad schema is refused",
    "exec:terminal": "a CLI can be given a terminal",
    "exec:effort": "effort is clamped to what the CLI knows, and told",
    "exec:concurrent_answers": "calls are answered as they are ready",
    "asking:by_request": "a handshake client is asked what a CLI asks, whichever call waits for it",
    "asking:by_result": "a modern call ends with the CLI's question and its repetition goes on",
    "asking:refused": "a question that is declined leaves the CLI waiting, and that is told",
    "asking:late": "an answer to a question that is over gets the state of the job and a warning",
    "asking:sealed": "an answer counts only with the state its own caller was given",
    "asking:not_for_ever": "a question that nobody answers ends with its turn",
    "asking:no_secrets": "a client is not asked for passwords",
    "asking:task": "a task shows its question and takes the answer",
    "status:wait_seconds": "status waits for the end",
    "status:paging": "long content comes in pages that add up",
    "status:events_after": "events are listed from a sequence number",
    "progress:token": "progress goes by the caller's token",
    "progress:monotonic": "progress rises strictly and ends before the answer",
    "progress:discreet": "progress never shows the prompt",
    "progress:only_asked": "without a token there is no progress",
    # many
    "many:all_finish": "twenty calls at once all finish with their own answers",
    "many:queue_positions": "a call that waits knows its number in the queue",
    "many:nothing_left": "after many calls no child, zombie or descriptor is left",
    "many:refused_when_full": "a call beyond the queue is refused and leaves nothing",
    "fallback:next_cli": "the next candidate answers, and every attempt is listed",
    "fallback:mode_survives": "the mode survives the fallback",
    "fallback:named_cli": "a named CLI is replaced only when that is allowed",
    "breaker:opens": "three failures in a row open a CLI's breaker",
    "breaker:reading_is_harmless": "looking at a breaker changes nothing",
    "breaker:permits": "a permit counts once",
    "breaker:timeouts_count": "timeouts count against a CLI, cancellations do not",
    # think
    "think:pattern": "a pattern answers in the one shape, from fields beside it or in input",
    "think:sessions": "sessions of thinking are apart, and survive a restart",
    "think:faults": "an unknown pattern or field comes with the nearest one",
    # investigations
    "investigate:whole": "an investigation goes to its report, every place in it checked",
    "investigate:restart": "an investigation goes on after a restart",
    "investigate:recall": "an investigation is recalled in its project, elsewhere only when asked",
    "investigate:auto": "findings of CLIs are theirs, as worth as the places they name",
    # sessions
    "sessions:list": "sessions are listed latest first, filtered",
    "sessions:cursor": "a list comes in pages",
    "sessions:info": "a session is shown with its jobs",
    "sessions:active": "a running job is active until it ends",
    "sessions:gc": "what is old is removed, and nothing else",
    "sessions:health": "health says what is there",
    "sessions:unknown": "unknown ids have codes of their own",
    # bad input
    "bad:line": "a bad line is answered with its fault",
    "bad:oversize": "a line of 20 MB is refused without being kept",
    "bad:split_utf8": "a character split between writes is whole",
    "bad:tool": "an unknown tool is told with the known ones",
    "bad:arguments": "every wrong argument is named at once",
    "bad:cwd": "a working directory must be an existing absolute directory",
    "bad:cli": "an unknown CLI comes with the known and the installed ones",
    "bad:role": "an unknown role comes with the known ones",
    "bad:ids": "duplicate ids of open calls are refused",
    "protocol:revisions": "each revision's conversation is as reviewed",
    "transports:same": "a session gives the same JSON over every transport",
    # machines
    "setup:no_cli": "without any CLI the server starts and says what to do",
    "setup:not_installed": "a CLI that is not installed is told from an unknown one",
    "setup:bad_profile": "a bad profile is skipped and reported with file and line",
    "setup:bad_settings": "unknown settings are reported with a suggestion",
    "setup:binaries": "bad binaries are seen in health with a remedy",
    "setup:state_directory": "an unwritable state directory is told at the call",
    "setup:one_owner": "two servers do not own one store",
    "setup:new_cli": "a new CLI needs no code",
    "config:every_key": "every key of the configuration loads and says where it is from",
    "config:explained": "every value can be traced to its layer",
    "restart:kill_9": "a killed server leaves no child, and its jobs are known afterwards",
    "recursion:depth": "a nested aimux refuses beyond three levels",
    # daemon and shim
    "daemon:one": "clients that start at once on an empty machine share one daemon",
    "daemon:killed": "under kill -9 open calls are answered, clients attach again",
    "daemon:client_dies": "waiting calls of a dead client end, its other jobs go on",
    "daemon:probe": "starting the command twice to probe it leaves one daemon and no harm",
    "daemon:rough_host": "no child outlives a host that kills half a second after its first signal",
    "daemon:state": "each state directory has a daemon of its own",
    "daemon:private": "a socket in a directory of somebody else is not used",
    "daemon:fallback": "without a daemon the server runs in its own process and says so",
    "daemon:idle_exit": "a daemon without clients and jobs leaves",
    "daemon:drain": "jobs may finish within the drain, and their calls are answered",
    "daemon:restart": "a restart keeps clients and store",
    "daemon:skew": "a newer client makes the daemon begin anew when no job runs",
    "shim:whole_lines": "half a message never reaches the client",
    "shim:replay": "the next daemon is told the session, the client hears nothing twice",
    "stdio:first_line": "a bare tools/list is answered",
    "stdio:end_of_input": "repeated and unknown cancellations are harmless",
    "stored:redacted": "secrets are masked in what is stored and shown",
    "untrusted:control_sequences": "output of a CLI never becomes a control sequence",
    # aimux profile test
    "profile_test:twelve": "every shipped profile is green on its emulator",
    "profile_test:red": "a profile that promises too much is red",
    "profile_test:real": "rows that need a fault are left out on a real CLI",
    "profile_test:unknown": "names that cannot be tested are told",
}

GAPS: Final[Mapping[str, str]] = {
    "mode:aider_tags_cache": (
        "in a git tree the real aider keeps .aider.tags.cache.v4 there, in read mode too; no flag"
        " moves it without giving up its map of the repository"
    ),
    "faults:cut_text": (
        "a cut stream of aider, claude, continue, crush, droid, goose and gptme looks like a short"
        " answer: nothing they print tells it"
    ),
    "faults:end_of_turn": (
        "aider, continue, crush, gptme and opencode print no closing record: one that stays after"
        " its answer has only its deadline"
    ),
    "sessions:gc_dry_run": "a dry run does not count sessions that only the removal would empty",
    "sdk:python": "held by `nox -s sdk`, in an environment of its own",
}
