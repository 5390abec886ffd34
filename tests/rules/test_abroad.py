"""What vendors say in their own languages, and other ends that had no class, code or hint."""

from pathlib import Path

import pytest

from aimux.dialects import open_dialect
from aimux.model import Ended, FailureClass, Profile, Stream, TurnOutput
from aimux.rules import Verdict, classify, judge, recognise

DATA = Path(__file__).parent / "data"
PROFILE = Profile(name="tool", binary="tool", command=("tool",), display_name="Tool")


def lines(name: str) -> list[str]:
    return (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()


TEXTS = [each.split(" | ", 1) for each in lines("abroad")]


def said(text: str) -> TurnOutput:
    return TurnOutput(ended=Ended(is_error=True, message=text), error_text=text, is_closed=True)


@pytest.mark.parametrize("where", ["ended", "stderr"])
@pytest.mark.parametrize(("expected", "text"), TEXTS, ids=[text[:40] for _, text in TEXTS])
def test_a_limit_is_a_limit_in_every_language(expected: str, text: str, where: str) -> None:
    """Class, code and a hint; the message is what the vendor said."""
    if where == "ended":
        found = classify(PROFILE, 1, "", said(text), "")
    else:
        found = classify(PROFILE, 1, "", TurnOutput(), f"starting\n{text}\n")

    assert f"{found.failure_class.value}-{found.code}" == expected
    assert found.hint
    assert found.message == f"tool: {text}"


@pytest.mark.parametrize("text", lines("abroad_harmless"))
def test_other_sentences_and_bare_numbers_are_nothing(text: str) -> None:
    """A code counts beside a sentence, in brackets; words count where they make sense."""
    assert recognise(PROFILE, 1, TurnOutput(error_text=text), text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("You have exhausted your capacity on this model.", "quota_exhausted"),
        ("5-hour limit reached ∙ resets 3am", "quota_exhausted"),
        ("Weekly limit reached - contact an admin", "quota_exhausted"),
        ("Arrearage: access denied, make sure your account is in good standing", "quota_exhausted"),
        ("Insufficient Balance", "quota_exhausted"),
        ("Throttling.RateQuota: Requests rate limit exceeded", "rate_limited"),
        ("request reached max organization concurrency: 1", "rate_limited"),
        ("request reached organization max RPM: 3", "rate_limited"),
        ("Open api qps request limit reached", "rate_limited"),
        ("AppIdQpsOverFlowError", "rate_limited"),
        ("Open api daily request limit reached", "quota_exhausted"),
        ("exceeded_current_quota_error", "quota_exhausted"),
        ("Your account is suspended, see your plan and billing details", "quota_exhausted"),
    ],
)
def test_english_of_other_vendors_is_known_too(text: str, code: str) -> None:
    """Limits that do not say rate, quota or credit."""
    found = classify(PROFILE, 1, "", said(text), "")

    assert (found.failure_class, found.code) == (FailureClass.QUOTA, code)


@pytest.mark.parametrize(
    "text",
    [
        "Error: Session ID 736bd807-d4ce-482f-b62f-06fa6a560b2d is already in use.",
        "Session 42 is already in use",
        "error: session abc is locked by another process",
        "Conversation foo is in use by pid 4711",
        "Another tool instance is already running",
        "Failed to acquire session lock: /home/me/.tool/x.lock",
        "Session 42 is in use",
        "The session is currently in use",
        "Session is currently active in another terminal",
        "conversation is being used by process 4711",
        "thread 42 is open by pid 4711",
    ],
)
def test_a_session_in_use_has_a_code_and_a_way_out(text: str) -> None:
    """It is neither lost nor a limit, and asking again at once does not help."""
    found = classify(PROFILE, 1, "", said(text), "")

    assert (found.failure_class, found.code) == (FailureClass.FATAL, "native_session_in_use")
    assert "new session" in found.hint


@pytest.mark.parametrize(
    "text",
    ["database is locked", "listen EADDRINUSE: address already in use :::25463", "Text file busy"],
)
def test_what_another_run_holds_is_worth_another_try(text: str) -> None:
    """It passes when that has ended."""
    found = classify(PROFILE, 1, "", said(text), "")

    assert (found.failure_class, found.code) == (FailureClass.TRANSIENT, "busy")
    assert found.retryable


@pytest.mark.parametrize(
    "text",
    [
        "fetch failed: self-signed certificate in certificate chain",
        "connection error: SELF_SIGNED_CERT_IN_CHAIN",
        "request failed: DEPTH_ZERO_SELF_SIGNED_CERT",
        "network error: UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "fetch failed: unable to get local issuer certificate",
        "fetch failed: unable to verify the first certificate",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "connection error: certificate has expired",
        "CERT_HAS_EXPIRED",
        "tls: failed to verify: x509: certificate signed by unknown authority",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        "certificate verify failed",
        "stream disconnected: invalid peer certificate: UnknownIssuer",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "the server certificate is not trusted",
    ],
)
def test_a_certificate_that_is_not_trusted_is_no_failed_connection(text: str) -> None:
    """Trying again does not help; another CLI may trust it, and so may this one."""
    found = classify(PROFILE, 1, "", said(text), "")

    assert (found.failure_class, found.code) == (FailureClass.USAGE, "tls_untrusted")
    assert "NODE_EXTRA_CA_CERTS" in found.hint
    assert not found.retryable


# ---------------------------------------------------------------------------- a tool was rejected

REJECTION = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was"
    " a file edit, the new_string was NOT written to the file). STOP what you are doing."
)


def ended_after(name: str, stdout: str, exit_code: int = 0) -> Verdict:
    dialect = open_dialect(name)
    dialect.feed(Stream.STDOUT, stdout.encode())
    dialect.finish(exit_code)
    return judge(PROFILE, dialect.output, exit_code)


@pytest.mark.parametrize(
    "refusal",
    [
        REJECTION,
        "Permission to use Bash has been denied.",
        "Tool call was declined by the user",
        "User rejected the command",
        "Denied by a hook: no shell today",
        "The operation is blocked by policy",
        "Auto-denied: headless mode cannot prompt for the command permission",
        "exec command rejected by user",
        "patch declined by the user",
        "approval required",
        "Approval denied",
    ],
)
def test_a_rejected_tool_and_no_word_after_it_says_so(refusal: str) -> None:
    """Class, code, and the mode that would allow it."""
    use = '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Bash"}]}}'
    done = (
        '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t",'
        f'"is_error":true,"content":"{refusal}"}}]}}}}'
    )
    verdict = ended_after("claude", f'{use}\n{done}\n{{"type":"result","result":""}}\n')

    assert verdict.failure is not None
    assert (verdict.failure.failure_class, verdict.code) == (FailureClass.FATAL, "tools_denied")
    assert "mode=write" in verdict.failure.hint
    assert not verdict.failure.retryable


def test_a_tool_that_a_record_calls_refused_is_a_rejected_one() -> None:
    """Whatever its result says then."""
    denied = '{"type":"system","subtype":"permission_denied","tool_use_id":"t"}'
    done = (
        '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t",'
        '"is_error":true,"content":"no"}]}}'
    )
    verdict = ended_after("claude", f'{denied}\n{done}\n{{"type":"result","result":""}}\n')

    assert verdict.code == "tools_denied"


def test_a_turn_that_failed_behind_a_rejected_tool_says_so() -> None:
    """opencode stops there; nothing else it prints tells why."""
    state = f'{{"status":"error","error":"{REJECTION}"}}'
    part = f'{{"tool":"write","callID":"c","state":{state}}}'
    step = '{"type":"step_finish","part":{"reason":"tool-calls"}}'
    verdict = ended_after("opencode", f'{{"type":"tool_use","part":{part}}}\n{step}\n')

    assert verdict.failure is not None
    assert (verdict.failure.failure_class, verdict.code) == (FailureClass.FATAL, "tools_denied")
    assert verdict.failure.hint


@pytest.mark.parametrize("text", ["exec command rejected by user", "patch denied by user"])
def test_a_failure_that_names_a_rejection_says_so(text: str) -> None:
    """Where the CLI ends with it."""
    found = classify(PROFILE, 1, "", said(text), "")

    assert (found.failure_class, found.code) == (FailureClass.FATAL, "tools_denied")


def test_opencode_that_stops_at_a_tool_without_a_word_was_refused_it() -> None:
    """Exit code 0 behind a step that called tools has no other cause."""
    step = '{"type":"step_finish","part":{"reason":"tool-calls"}}'
    verdict = ended_after("opencode", f"{step}\n")

    assert verdict.code == "tools_denied"


def test_a_silent_failure_has_a_code_and_a_hint() -> None:
    """continue prints nothing where the model called a tool that its mode does not offer."""
    verdict = ended_after("continue", "")

    assert verdict.failure is not None
    assert (verdict.failure.failure_class, verdict.code) == (FailureClass.UNKNOWN, "no_answer")
    assert "mode=write" in verdict.failure.hint
