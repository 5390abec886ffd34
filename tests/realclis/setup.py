"""A throw-away home in which one real CLI talks to the model server and to nobody else.

`prepare()` writes the files a CLI wants and returns the environment for it: telemetry, updates and
key rings off, every key the literal `test-key`, nothing inherited from the caller but the PATH.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import install

KEY: Final = "test-key"
MODEL: Final = "test-model"
SETUP_LIMIT_S: Final = 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """One CLI ready to run: where it is, its whole environment, and how it names the model."""

    cli: str
    binary: Path
    version: str
    env: Mapping[str, str]
    model: str
    home: Path
    project: Path


class NotPrepared(Exception):
    """The CLI is not installed, or its own set-up command failed; the message says which."""


def make_project(path: Path) -> Path:
    """A git repository with one commit, so that no CLI complains about its surroundings."""
    path.mkdir(parents=True)
    (path / "hello.py").write_text('print("hello")\n', encoding="utf-8")
    for line in (
        "init -q",
        "config user.name Test",
        "config user.email test@localhost",
        "config commit.gpgsign false",
        "add .",
        "commit -q -m start",
    ):
        subprocess.run(["git", *line.split()], cwd=path, check=True, capture_output=True)
    return path


def prepare(cli: str, home: Path, project: Path, port: int) -> Prepared:
    """Files in `home` and an environment for a CLI that the cache holds. Raises NotPrepared."""
    recipe = install.read_recipes()[cli]
    cache = install.cache_dir()
    found = install.find_installed(recipe, cache)
    if found.binary is None:
        raise NotPrepared(f"{cli}: {found.reason}")
    home.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    env = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(found.binary.parent), install.search_path(cache)]),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "DO_NOT_TRACK": "1",
        # whoever heeds it cannot leave the machine; loopback goes without a proxy
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    model, own = _SETUPS[cli](home, url)
    prepared = Prepared(
        cli=cli,
        binary=found.binary,
        version=found.version or "",
        env=env | own,
        model=model,
        home=home,
        project=project,
    )
    if cli == "cline":
        sign_in_cline(prepared, url, home / ".cline" / "data")
    return prepared


def sign_in_cline(prepared: Prepared, url: str, data: Path) -> None:
    """Let cline write its provider settings into a data directory. Raises NotPrepared."""
    words = ["auth", "--data-dir", data, "-p", "openai-compatible"]
    words += ["-k", KEY, "-m", MODEL, "-b", f"{url}/v1"]
    try:
        done = subprocess.run(
            [prepared.binary, *words],
            env=dict(prepared.env),
            cwd=prepared.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SETUP_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotPrepared(f"cline auth: no end after {SETUP_LIMIT_S} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise NotPrepared(f"cline auth exited {done.returncode}: {said}")


def _write(home: Path, name: str, content: object) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")


def _claude(_home: Path, url: str) -> tuple[str, dict[str, str]]:
    quiet = (
        *("DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER", "DISABLE_ERROR_REPORTING"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    )
    env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, "CLAUDE_CODE_MAX_RETRIES": "1"}
    env["IS_SANDBOX"] = "1"  # else its bypass mode refuses to start as root
    return MODEL, env | dict.fromkeys(quiet, "1")


def _codex(home: Path, url: str) -> tuple[str, dict[str, str]]:
    lines = f"""\
model = "{MODEL}"
model_provider = "loopback"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.loopback]
name = "loopback"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""
    _write(home, ".codex/config.toml", lines)
    return MODEL, {"OPENAI_API_KEY": KEY}


def _gemini(home: Path, url: str) -> tuple[str, dict[str, str]]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
    }
    _write(home, ".gemini/settings.json", settings)
    env = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url}
    env |= {"GEMINI_TELEMETRY_ENABLED": "false", "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    return MODEL, env | {"GEMINI_CLI_NO_RELAUNCH": "true"}


def _qwen(_home: Path, url: str) -> tuple[str, dict[str, str]]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": MODEL}
    return MODEL, env | {"QWEN_TELEMETRY_ENABLED": "false"}


def _opencode(home: Path, url: str) -> tuple[str, dict[str, str]]:
    model = {"name": "Test", "limit": {"context": 128_000, "output": 8_000}}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Loopback",
        "options": {"baseURL": f"{url}/v1", "apiKey": KEY},
        "models": {MODEL: model},
    }
    settings = {
        "autoupdate": False,
        "share": "disabled",
        "model": f"loopback/{MODEL}",
        "small_model": f"loopback/{MODEL}",
        "enabled_providers": ["loopback"],
        "provider": {"loopback": provider},
    }
    _write(home, ".config/opencode/opencode.json", settings)
    quiet = ("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH")
    return f"loopback/{MODEL}", dict.fromkeys(quiet, "1")


def _aider(home: Path, url: str) -> tuple[str, dict[str, str]]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_API_BASE": f"{url}/v1"}
    env |= {"AIDER_ANALYTICS_DISABLE": "true", "AIDER_CHECK_UPDATE": "false"}
    # a fresh copy of the price list that it would fetch otherwise
    card = {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 1_000_000}
    _write(home, ".aider/caches/model_prices_and_context_window.json", {f"openai/{MODEL}": card})
    return f"openai/{MODEL}", env | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _gptme(_home: Path, url: str) -> tuple[str, dict[str, str]]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "GPTME_TELEMETRY": "0"}
    return f"openai/{MODEL}", env | {"MODEL": f"openai/{MODEL}"}


def _cline(_home: Path, _url: str) -> tuple[str, dict[str, str]]:
    return MODEL, {"CLINE_NO_AUTO_UPDATE": "1", "CLINE_TELEMETRY_DISABLED": "1"}


def _continue(home: Path, url: str) -> tuple[str, dict[str, str]]:
    lines = f"""\
name: loopback
version: 0.0.1
schema: v1
models:
  - name: Loopback
    provider: openai
    model: {MODEL}
    apiKey: {KEY}
    apiBase: {url}/v1
    roles: [chat, edit, apply]
    defaultCompletionOptions:
      contextLength: 1000000
"""
    _write(home, ".continue/config.yaml", lines)
    quiet = ("CONTINUE_CLI_ENABLE_TELEMETRY", "CONTINUE_TELEMETRY_ENABLED")
    return MODEL, dict.fromkeys((*quiet, "CONTINUE_METRICS_ENABLED"), "0")


def _droid(home: Path, url: str) -> tuple[str, dict[str, str]]:
    model = {
        "model": MODEL,
        "displayName": "Loopback",
        "baseUrl": f"{url}/v1",
        "apiKey": KEY,
        "provider": "generic-chat-completion-api",
        "maxOutputTokens": 8192,
    }
    settings = {"customModels": [model], "cloudSessionSync": False, "enableTelemetry": False}
    _write(home, ".factory/settings.json", settings)
    env = {"FACTORY_AIRGAP_ENABLED": "true", "FACTORY_DROID_AUTO_UPDATE_ENABLED": "false"}
    return f"custom:{MODEL}", env


def _goose(_home: Path, url: str) -> tuple[str, dict[str, str]]:
    env = {"GOOSE_PROVIDER": "openai", "GOOSE_MODEL": MODEL, "OPENAI_API_KEY": KEY}
    env |= {"OPENAI_HOST": url, "GOOSE_DISABLE_KEYRING": "1", "GOOSE_DISABLE_UPDATE_CHECK": "1"}
    return MODEL, env | {"GOOSE_TELEMETRY_ENABLED": "false"}


def _crush(home: Path, url: str) -> tuple[str, dict[str, str]]:
    model = {"id": MODEL, "name": "Test", "context_window": 128_000, "default_max_tokens": 8_000}
    provider = {"type": "openai", "base_url": f"{url}/v1", "api_key": KEY, "models": [model]}
    chosen = {"model": MODEL, "provider": "loopback"}
    settings = {
        "providers": {"loopback": provider},
        "models": {"large": chosen, "small": chosen},
        "options": {"disable_provider_auto_update": True, "disable_metrics": True},
    }
    _write(home, ".config/crush/crush.json", settings)
    quiet = ("CRUSH_DISABLE_METRICS", "CRUSH_DISABLE_PROVIDER_AUTO_UPDATE")
    return f"loopback/{MODEL}", dict.fromkeys(quiet, "1")


_SETUPS: Final[Mapping[str, Callable[[Path, str], tuple[str, dict[str, str]]]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "qwen": _qwen,
    "opencode": _opencode,
    "aider": _aider,
    "gptme": _gptme,
    "cline": _cline,
    "continue": _continue,
    "droid": _droid,
    "goose": _goose,
    "crush": _crush,
}
