"""Values go to JSON and come back; what is not a value is told in words."""

import datetime
import enum
import json
import math
import subprocess
import sys
import types
import typing
from collections.abc import Mapping, Sequence

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from aimux import model
from aimux.model import (
    TEXT,
    Attempt,
    Entry,
    Event,
    Failure,
    FailureClass,
    Job,
    JobId,
    Json,
    Mode,
    Noise,
    Outcome,
    Plan,
    Profile,
    Session,
    SessionId,
    ShapeMismatch,
    Stream,
    ToolUse,
    TurnFailed,
    TurnResult,
    Usage,
    Warned,
    decode,
    dump,
    dump_bytes,
    dump_event,
    dump_event_bytes,
    load,
    load_bytes,
    load_event,
    load_event_bytes,
    load_over,
)

EVENTS = typing.get_args(Event)
VALUES = sorted(
    {
        each
        for each in vars(model).values()
        if isinstance(each, type) and attrs.has(each) and each.__module__.startswith("aimux.model")
    },
    key=lambda each: each.__name__,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
FREE = st.recursive(
    st.none() | st.booleans() | WHOLE | REAL | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ZONES = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
TIMES = st.datetimes(
    datetime.datetime(1971, 1, 1),  # noqa: DTZ001  # Hypothesis adds the zone
    datetime.datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=ZONES,
)


def drawn(shape: object) -> st.SearchStrategy[object]:
    """Anything of an annotated shape."""
    origin, parts = typing.get_origin(shape), typing.get_args(shape)
    simple = {
        str: TEXTS,
        int: WHOLE,
        bool: st.booleans(),
        float: REAL,
        bytes: st.binary(max_size=8),
        object: FREE,
        datetime.datetime: TIMES,
        type(None): st.none(),
    }
    if isinstance(shape, typing.NewType):
        return TEXTS
    if shape in simple:
        return simple[shape]
    if origin in (types.UnionType, typing.Union):
        return st.one_of([drawn(part) for part in parts])
    if origin is Sequence or origin is tuple:
        return st.lists(drawn(parts[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(drawn(parts[0]), drawn(parts[1]), max_size=2)
    if isinstance(shape, type) and issubclass(shape, enum.Enum):
        return st.sampled_from(list(shape))
    assert isinstance(shape, type), shape
    assert attrs.has(shape), shape
    return values(shape)


def values(shape: type) -> st.SearchStrategy[object]:
    """Any value of a class, whether or not its validators like it."""
    fields = attrs.fields(attrs.resolve_types(shape))
    parts = {each.name: drawn(each.type) for each in fields}
    return st.fixed_dictionaries(parts).map(lambda given: without_rules(shape, given))


def without_rules(shape: type, given: Mapping[str, object]) -> object:
    with attrs.validators.disabled():
        return shape(**given)


@pytest.mark.parametrize("shape", VALUES, ids=lambda shape: shape.__name__)
def test_every_value_survives_the_round_trip(shape: type) -> None:
    @settings(max_examples=15)
    @given(value=values(shape))
    def check(value: object) -> None:
        with attrs.validators.disabled():
            assert load(shape, dump(value)) == value
            assert load_bytes(shape, dump_bytes(value)) == value

    check()


@pytest.mark.parametrize("shape", EVENTS, ids=lambda shape: shape.kind)
def test_every_event_survives_with_its_kind(shape: type) -> None:
    @settings(max_examples=15)
    @given(event=values(shape))
    def check(event: Event) -> None:
        data = dump_event(event)

        assert data["kind"] == shape.kind
        assert load_event(data) == event
        assert load_event_bytes(dump_event_bytes(event)) == event

    check()


def test_kinds_are_told_apart() -> None:
    kinds = [each.kind for each in EVENTS]

    assert len(set(kinds)) == len(kinds) == 21


# -------------------------------------------------------------------------------- how it looks


def test_an_entry_looks_like_this() -> None:
    at = datetime.datetime(
        2026, 3, 1, 13, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1))
    )
    entry = Entry(seq=1, offset_s=0.5, at=at, turn=2, event=ToolUse(name="bash"))

    assert dump(entry) == {
        "seq": 1,
        "offset_s": 0.5,
        "at": "2026-03-01T12:30:00.000000Z",
        "turn": 2,
        "event": {
            "kind": "tool_use",
            "name": "bash",
            "call_id": "",
            "status": "started",
            "summary": "",
        },
    }


def test_what_is_not_a_union_has_no_kind() -> None:
    outcome = Outcome(usage=Usage(input_tokens=3), warnings=(Warned(code="a", message="b"),))

    data = dump(outcome)

    assert data["usage"] == {
        "input_tokens": 3,
        "output_tokens": None,
        "cached_tokens": None,
        "reasoning_tokens": None,
        "cost_usd": None,
    }
    assert data["warnings"] == [{"code": "a", "message": "b"}]


def test_dumped_values_are_plain_json() -> None:
    """json knows no enums, tuples are lists, and keys are text."""
    event = TurnFailed(
        result=TurnResult(
            turn=1,
            status=model.JobStatus.FAILED,
            mode=Mode.WRITE,
            attempts=(Attempt(cli="a", outcome="quota"),),
            failure=Failure(failure_class=FailureClass.QUOTA, code="c", message="m"),
        ),
    )

    data = dump_event(event)

    assert data == json.loads(json.dumps(data))
    assert type(data["result"]["status"]) is str
    assert load_event(data) == event


PLAN = Plan(
    cli="x",
    model="",
    effort="",
    mode=Mode.READ,
    read_strength=model.Strength.NONE,
    argv=("a", "b"),
    shown_argv=("a", "<prompt>"),
    env={"A": "1"},
    cwd="/",
    stdin=b"\xff\x00",
    prompt_way=model.PromptWay.STDIN,
    dialect="text",
    stop_signal="TERM",
    grace_s=1,
    leave_s=2,
    limits=model.LimitRule(),
)


def test_bytes_travel_as_base64() -> None:
    assert dump(PLAN)["stdin"] == "/wA="
    assert load(Plan, dump(PLAN)) == PLAN


# ------------------------------------------------------------------------ what JSON cannot carry


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ({"\udc80": ["\udcff"]}, {"\ufffd": ["\ufffd"]}),
        (2**64, float(2**64)),
        (-(10**400), str(-(10**400))),
        ({1: {2}}, {"1": [2]}),
        ((1, (2,)), [1, [2]]),
        (math.nan, None),
        (["\ud800", True, None, 0.5, 7, 1 + 2j], ["\ufffd", True, None, 0.5, 7, "(1+2j)"]),
    ],
)
def test_what_json_cannot_carry_is_replaced(data: object, expected: object) -> None:
    assert decode(dump_bytes(data)) == expected


def test_too_deep_a_nesting_is_cut() -> None:
    data: object = "bottom"
    for _ in range(400):
        data = [data]

    found = decode(dump_bytes({"data": data}))

    depth = 0
    inner = found["data"]
    while isinstance(inner, list):
        inner, depth = inner[0], depth + 1
    assert (inner, depth) == ("…", 200)


def test_an_odd_thing_in_free_data_becomes_text() -> None:
    note = model.Noted(text="x", data={"path": 1 + 2j})

    assert decode(dump_event_bytes(note))["data"] == {"path": "(1+2j)"}


# -------------------------------------------------------------------------------------- strict

AT = "2026-03-01T12:30:00Z"
JOB: Json = {"id": "job_1", "session_id": "ses_1", "tool": "exec", "created_at": AT}


def test_defaults_fill_what_an_older_writer_did_not_know() -> None:
    job = load(Job, JOB)

    assert job == Job(
        id=JobId("job_1"),
        session_id=SessionId("ses_1"),
        tool="exec",
        created_at=datetime.datetime(2026, 3, 1, 12, 30, tzinfo=datetime.UTC),
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"extra": 1, "also": 2}, "unknown key also, extra"),
        ({"id": 7}, "7 is not text"),
        ({"id": None}, "None is not text"),
        ({"last_seq": "7"}, "'7' is not a whole number"),
        ({"last_seq": 7.0}, "7.0 is not a whole number"),
        ({"last_seq": True}, "True is not a whole number"),
        ({"mode": "destroy"}, "'destroy' is none of read, write, danger"),
        ({"created_at": "2026-03-01T12:30:00"}, "no time zone"),
        ({"created_at": "yesterday"}, "yesterday"),
        ({"created_at": 12}, "12 is not an ISO 8601 time"),
        ({"outcome": {"attempts": "abc"}}, "'abc' is not a list"),
        ({"outcome": {"usage": {"cost_usd": "1"}}}, "'1' is not a number"),
        ({"outcome": []}, "is not an object"),
    ],
)
def test_a_wrong_shape_is_refused(change: Json, problem: str) -> None:
    with pytest.raises(ShapeMismatch) as caught:
        load(Job, JOB | change)

    assert problem in str(caught.value)
    assert str(caught.value).startswith("Job: ")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ShapeMismatch, match="Job: missing key tool"):
        load(Job, {key: each for key, each in JOB.items() if key != "tool"})


@pytest.mark.parametrize("data", [None, 3, "text", [], [JOB]])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(ShapeMismatch, match="is not an object"):
        load(Job, data)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", "nul"])
def test_what_is_no_json_is_refused(data: bytes | str) -> None:
    for read in (lambda: load_bytes(Job, data), lambda: decode(data)):
        with pytest.raises(ShapeMismatch, match="not JSON"):
            read()


@pytest.mark.parametrize("stdin", ["###", "abc", 3])
def test_what_is_no_base64_is_refused(stdin: object) -> None:
    with pytest.raises(ShapeMismatch, match="base64"):
        load(Plan, dump(PLAN) | {"stdin": stdin})


def test_a_time_without_zone_is_not_written() -> None:
    naive = datetime.datetime(2026, 3, 1)  # noqa: DTZ001
    session = Session(id=SessionId("s"), cli="x", created_at=naive, last_active_at=naive)

    with pytest.raises(ValueError, match="no time zone"):
        dump(session)


def test_known_better_keys_win() -> None:
    at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)

    job = load_over(Job, json.dumps(JOB), {"started_at": at, "status": "running"})

    assert (job.started_at, job.status, job.tool) == (at, model.JobStatus.RUNNING, "exec")
    with pytest.raises(ShapeMismatch, match="not an object"):
        load_over(Job, b"[]", {})


# ------------------------------------------------------------------------- later versions' events


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"kind": "hologram", "data": [1]}, "unknown event hologram"),
        ({"kind": "text", "text": "x", "colour": "red"}, "unknown key colour"),
        ({"kind": "text"}, "missing key text"),
        ({"kind": "text", "text": 3}, "3 is not text"),
        ({"kind": ["text"]}, "unknown event"),
        ({}, "unknown event None"),
        (["x"], "is not an event object"),
        (None, "is not an event object"),
    ],
)
def test_an_event_nobody_knows_is_quoted(data: object, why: str) -> None:
    event = load_event(data)

    assert isinstance(event, Noise)
    assert event.stream is Stream.STDOUT
    assert why in event.line
    assert event.line.endswith(json.dumps(data, separators=(",", ":")))


def test_an_entry_with_such_an_event_is_still_an_entry() -> None:
    data = {"seq": 1, "offset_s": 0, "at": AT, "turn": 0, "event": {"kind": "hologram"}}

    entry = load(Entry, data)

    assert isinstance(entry.event, Noise)
    assert load(Entry, dump(entry)) == entry


def test_a_quote_is_short_and_junk_is_quoted_too() -> None:
    long = load_event({"kind": "hologram", "data": "x" * 10_000})
    junk = load_event_bytes(b"\xff{")
    text = load_event("just \ud800 text")

    assert isinstance(long, Noise)
    assert len(long.line) == 2_000
    assert isinstance(junk, Noise)
    assert "not JSON" in junk.line
    assert isinstance(text, Noise)
    assert text.line.endswith("just \ud800 text")


def test_what_an_event_is_not_asked_for_is_refused() -> None:
    """A usage is no warning: nothing but unions looks at kinds."""
    with pytest.raises(ShapeMismatch, match="unknown key kind"):
        load(Usage, {"kind": "usage"})


# ------------------------------------------------------------------------------------- lenient

PROFILE: Json = {"name": "x", "binary": "x", "command": ["x"]}


def test_text_is_turned_into_what_is_wanted() -> None:
    profile = TEXT.structure(
        PROFILE
        | {
            "command": "codex",
            "name": 7,
            "display_name": 1.5,
            "vendor": True,
            "priority": " 5 ",
            "timeout_s": "2.5",
            "needs_terminal": "Yes",
            "schema_version": 1.0,
            "prompt": {"joined": 0, "needs_blank": False, "ways": ["stdin"]},
            "errors": {"exit_codes": {"auth": [1, "41"]}, "accept_exit": [0]},
            "modes": {"read": {"flags": "--safe"}},
        },
        Profile,
    )

    assert profile.command == ("codex",)
    assert (profile.name, profile.display_name, profile.vendor) == ("7", "1.5", "true")
    assert (profile.priority, profile.timeout_s, profile.schema_version) == (5, 2.5, 1)
    assert (profile.needs_terminal, profile.prompt.joined) == (True, False)
    assert profile.errors.exit_codes == {FailureClass.AUTH: (1, 41)}
    assert profile.modes[Mode.READ].flags == ("--safe",)


@pytest.mark.parametrize("limit", [3, 3.0, "3", " 3.0 "], ids=repr)
def test_a_number_of_seconds_may_be_written_in_any_way(limit: object) -> None:
    assert TEXT.structure(PROFILE | {"timeout_s": limit}, Profile).timeout_s == 3.0


@pytest.mark.parametrize("word", ["false", "No", "off", "0", "", 0, False], ids=repr)
def test_a_word_for_no_is_false(word: object) -> None:
    assert TEXT.structure(PROFILE | {"needs_terminal": word}, Profile).needs_terminal is False


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("priority", "many", "'many' is not a whole number @ priority"),
        ("priority", 1.5, "1.5 is not a whole number @ priority"),
        ("priority", True, "True is not a whole number @ priority"),
        ("priority", [], "[] is not a whole number @ priority"),
        ("timeout_s", [], "[] is not a number @ timeout_s"),
        ("timeout_s", "soon", "'soon' is not a number @ timeout_s"),
        ("timeout_s", True, "True is not a number @ timeout_s"),
        ("timeout_s", None, "None is not a number @ timeout_s"),
        ("needs_terminal", "maybe", "'maybe' is not true or false @ needs_terminal"),
        ("needs_terminal", None, "None is not true or false @ needs_terminal"),
        ("name", None, "None is not text @ name"),
        ("name", ["x"], "['x'] is not text @ name"),
        ("flags", 3, "3 is not a list @ flags"),
        ("flags", {"a": 1}, "{'a': 1} is not a list @ flags"),
        ("prompt", [], "[] is not an object @ prompt"),
        ("nmae", "x", "unknown key nmae"),
    ],
)
def test_a_fault_in_text_says_what_and_where(key: str, value: object, problem: str) -> None:
    with pytest.raises(ShapeMismatch) as caught:
        TEXT.structure(PROFILE | {key: value}, Profile)

    assert caught.value.problems == [problem]


def test_all_faults_in_text_are_told_at_once() -> None:
    with pytest.raises(ShapeMismatch) as caught:
        TEXT.structure(
            {
                "name": "x",
                "binary": None,
                "modes": {"red": {}, "read": {"falgs": []}},
                "output": {"fields": {"answr": "a"}},
                "errors": {"exit_codes": {"auth": [1, "x"]}},
            },
            Profile,
        )

    assert sorted(caught.value.problems) == sorted(
        [
            "None is not text @ binary",
            "missing key @ command",
            "'red' is none of read, write, danger @ modes['red']",
            "unknown key falgs @ modes['read']",
            "unknown key answr @ output.fields",
            "'x' is not a whole number @ errors.exit_codes['auth'][1]",
        ]
    )


def test_yaml_times_are_times() -> None:
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    data = {"id": "s", "cli": "x", "created_at": at, "last_active_at": AT}

    assert TEXT.structure(data, Session).created_at == at


def test_free_data_is_left_as_it_is() -> None:
    data = {"id": "j", "session_id": "", "tool": "exec", "created_at": AT, "asked": {"a": "7"}}

    assert TEXT.structure(data, model.Job).asked == {"a": "7"}


# -------------------------------------------------------------------------------------- cost


def test_values_are_imported_without_the_converters() -> None:
    code = "import sys, aimux.model; print(sorted({'cattrs', 'orjson', 'trio'} & set(sys.modules)))"

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )

    assert found.stdout == "[]\n"
