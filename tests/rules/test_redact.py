"""Secrets masked, control characters made harmless."""

import json

import pytest
from hypothesis import given, strategies as st

from aimux.rules import excerpt, harmless, harmless_json, redact, safe_to_show

SECRETS = {
    "sk-proj-" + "aB3_" * 8: "openai-project",
    "sk-svcacct-" + "aB3_" * 8: "openai-service",
    "sk-admin-" + "aB3_" * 8: "openai-admin",
    "sk-" + "a1B2" * 12: "openai",
    "sk-ant-REDACTED" + "aB3-" * 8: "anthropic",
    "sk-or-v1-" + "a1b2" * 8: "openrouter",
    "AIza" + "aB3_" * 9: "google",
    "ya29." + "aB3_" * 5: "google-oauth",
    "ghp_" + "aB3d" * 9: "github",
    "github_pat_" + "aB3_" * 9: "github",
    "glpat-" + "aB3d" * 5: "gitlab",
    "gsk_" + "aB3d" * 9: "groq",
    "hf_" + "aB3d" * 8: "huggingface",
    "xoxb-" + "123-abc" * 4: "slack",
    "AKIA" + "ABCD" * 4: "aws",
    "eyJ" + "aB3_" * 5 + "." + "aB3_" * 5 + "." + "aB3_" * 5: "jwt",
}


@pytest.mark.requirement("stored:redacted")
@pytest.mark.parametrize(("secret", "label"), SECRETS.items(), ids=[each[:8] for each in SECRETS])
@pytest.mark.parametrize("frame", ["{}", "key {}, please", '{{"k":"{}"}}', "'{}'", "a\n{}\nb"])
def test_every_known_kind_is_masked_by_its_name(secret: str, label: str, frame: str) -> None:
    shown = redact(frame.format(secret))

    assert shown == frame.format(f"[REDACTED:{label}]")
    assert redact(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: [REDACTED:authorization]"),
        ("authorization: Basic dXNlcjpwdw==", "authorization: [REDACTED:authorization]"),
        ('"Authorization": "token abc"', '"Authorization": "[REDACTED:authorization]"'),
        ("sent bearer abcdefgh1234 to it", "sent Bearer [REDACTED:bearer] to it"),
        ("x-api-key: zzz", "x-api-key: [REDACTED:api-key]"),
        ("OPENAI_API_KEY=abc def", "OPENAI_API_KEY=[REDACTED:value] def"),
        ("MY_SECRET: 'a b c' ok", "MY_SECRET: '[REDACTED:value]' ok"),
        ('{"db_password": "p\\"w", "n": 1}', '{"db_password": "[REDACTED:value]", "n": 1}'),
        ("export FOO_TOKEN=x; ls", "export FOO_TOKEN=[REDACTED:value]; ls"),
        ("https://me:pw@host/x", "https://[REDACTED:url-password]@host/x"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest",
            "[REDACTED:private-key]\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[REDACTED:private-key]"),
    ],
)
def test_what_is_said_to_be_a_secret_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "input_tokens: 500, total_tokens=700",
        "the bearer token expired",
        "ask-me-anything-about-this-long-word",
        "tokenizer=fast",
        "see https://host:8080/path",
        "Incorrect API key provided",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


@given(st.sampled_from(sorted(SECRETS)), st.integers(0, 3000))
def test_no_excerpt_holds_part_of_a_secret(secret: str, padding: int) -> None:
    shown = excerpt(f"{secret} {'x' * padding}")

    assert secret[-12:] not in shown
    assert len(shown) <= 2000


@pytest.mark.requirement("untrusted:control_sequences")
def test_terminal_sequences_vanish_and_control_characters_show() -> None:
    text = "a\x1b[31mb\x1b[0m\x1b]0;title\x07c\x1b(B\x1b]8;;u\x1b\\d\r\ne\rf\x00\x9b\u202eg\ud800"

    assert harmless(text) == "abcd\ne\\rf\\x00\\x9b\\u202eg\\ud800"


def test_a_log_line_is_one_line() -> None:
    assert harmless("a\tb\r\nc\u2028d", is_line=True) == "a\\tb\\nc\\u2028d"


def test_a_sequence_that_is_never_ended_hides_one_line() -> None:
    assert harmless("a\x1b]0;title\nb\x1bPc") == "a\nb"


def test_direction_is_controlled_by_nobody() -> None:
    assert harmless("\u061c\u200e\u202a\u2069") == "\\u061c\\u200e\\u202a\\u2069"


@given(st.text())
def test_json_text_means_the_same_without_control_characters(text: str) -> None:
    shown = harmless_json(json.dumps([text], ensure_ascii=False))

    assert json.loads(shown) == [text]
    assert harmless(shown) == shown  # nothing is left to be made harmless


def test_an_excerpt_is_the_end_and_says_that_it_is_cut() -> None:
    assert excerpt("  whole \n") == "whole"
    assert excerpt("x" * 5 + "end", 4) == "…end"
    assert excerpt("abcd", 4) == "abcd"


@pytest.mark.slow
@given(st.text(), st.integers(1, 50))
def test_an_excerpt_is_harmless_and_short(text: str, max_chars: int) -> None:
    shown = excerpt(text, max_chars)

    assert len(shown) <= max_chars
    assert not any(ord(each) < 32 and each not in "\n\t" for each in shown)


@given(st.sampled_from(sorted(SECRETS)), st.integers(1, 11))
def test_a_sequence_inside_a_key_hides_nothing(secret: str, at: int) -> None:
    """A terminal shows the key whole, in whichever colours."""
    cut = f"key \x1b[1m{secret[:at]}\x1b[0m\x1b[31m{secret[at:]}\x1b[0m."

    assert secret[-12:] not in excerpt(cut)
    assert secret[-12:] not in safe_to_show(cut)
    assert safe_to_show(cut) == redact(f"key {secret}.")
