"""A prompt arrives byte for byte, however it looks; the emulated model says what it got."""

import hashlib
from pathlib import Path
from typing import Final

import pytest

from ._each import each
from ._host import Host, error_of
from ._stand import CLIS, Stand, make_stand

PROMPTS: Final = {
    "one byte": "x",
    "6001 characters": "word " * 1200 + "!",
    "200 KB": "plain words " * 17_000,
    "60 KB of unicode": "ünïcödé " * 5_200,
    "multi-line": "one\ntwo\r\n\n\tthree\n",
    "leading dash": "-v --help -- and more",
    "two dashes": "--",
    "quotes": 'a\'b"c`d`$(id) ${HOME} \\ \'x\' """ «q» “q” %PATH% !1 *',
    "unicode": "𝕦ñí 日本語 \U0001f9ea e\u0301 \u200d\u2028 end",
    "placeholder": "{id} {model} {prompt} %s {{.Level}} <prompt-file>",
    "looks like a command": "help",
    "blank around": "  padded\n\n",
}

# how two CLIs cannot but alter it, as measured on the real ones
LARGE: Final = 100_000  # bytes of one argument, by their profiles


def _received(cli: str, prompt: str) -> str:
    is_large = len(prompt.encode()) > LARGE
    if cli == "cline":  # with --json it takes stdin only behind a prompt of its own
        if is_large:
            return f"Do what the following text says.\n\n{prompt}"
        return prompt if " " in prompt else f"{prompt} "  # one word is read as a command
    if cli == "continue" and is_large:
        return f"{prompt}\n\nDo what the prompt file says."
    return prompt


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """Every emulator answers with the digest of what it got."""
    made = make_stand(module_dir / "machine", max_prompt_bytes=1_000_000)
    made.emulate(directives="[[sha256]]")
    return made


@pytest.mark.requirement("prompt:bytes")
@pytest.mark.parametrize("name", PROMPTS)
async def test_prompts_arrive_byte_for_byte(host: Host, name: str) -> None:
    """Digest and length as the emulated model saw them."""
    prompt = PROMPTS[name]

    async def one(cli: str) -> object:
        body = await host.exec(prompt, cli=cli)
        return str(body["content"]).strip() or body["error"]

    def wanted(cli: str) -> str:
        data = _received(cli, prompt).encode()
        return f"sha256 {hashlib.sha256(data).hexdigest()} bytes {len(data)}"

    assert await each(one) == {cli: wanted(cli) for cli in CLIS}
    assert sum(_received(cli, prompt) == prompt for cli in CLIS) >= 10


@pytest.mark.requirement("prompt:refused")
@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("   \n", "invalid_arguments"),
        ("a\0b", "prompt_has_nul"),
        ("x" * 1_000_001, "prompt_too_large"),
    ],
    ids=["blank", "NUL", "too large"],
)
async def test_prompts_that_cannot_be_given_are_refused(host: Host, prompt: str, code: str) -> None:
    """Before anything is started, with the reason."""
    body = await host.exec(prompt, cli="codex")

    assert (body["status"], body["error"]["code"]) == ("failed", code)  # type: ignore[index]


@pytest.mark.requirement("prompt:refused")
async def test_what_a_cli_would_garble_is_refused_by_it_alone(host: Host) -> None:
    """gptme spoils characters beyond ASCII on stdin, and larger texts fit no argument."""
    prompt = "ünïcödé " * 18_200
    data = prompt.encode()

    async def one(cli: str) -> object:
        body = await host.exec(prompt, cli=cli)
        return error_of(body)[1] or str(body["content"]).strip()

    found = await each(one, ("codex", "gptme", "opencode"))
    whole = f"sha256 {hashlib.sha256(data).hexdigest()} bytes {len(data)}"

    assert found == {"codex": whole, "gptme": "prompt_too_large", "opencode": whole}
