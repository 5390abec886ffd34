"""Who made the model behind a seat."""

import pytest

from aimux.rules.panels import vendor_of

from .seats import profile


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("gpt-5.1-codex", "openai"),
        ("o3", "openai"),
        ("openrouter/anthropic/claude-sonnet-4.5", "anthropic"),
        ("Opus", "anthropic"),
        ("gemini-3-pro", "google"),
        ("coder-model", "alibaba"),
        ("qwen3-coder", "alibaba"),
        ("deepseek/deepseek-chat", "deepseek"),
        ("devstral-medium", "mistral"),
        ("llama-4", "meta"),
        ("grok-code", "xai"),
        ("kimi-k2", "moonshot"),
        ("glm-4.6", "zhipu"),
        ("MiniMax-M2", "minimax"),
        ("gptme-house", "mine"),
        ("omega", "mine"),
        ("", "mine"),
    ],
)
def test_a_models_name_tells_its_vendor(model: str, vendor: str) -> None:
    """Where it does not, the CLI's own counts."""
    assert vendor_of(profile("cli", vendor="mine"), model) == vendor


def test_the_default_model_counts_where_none_is_named() -> None:
    """Without either it is the CLI's name."""
    assert vendor_of(profile("cli", model="opus", vendor="mine")) == "anthropic"
    assert vendor_of(profile("cli", model="opus", vendor="mine"), "gpt-5") == "openai"
    assert vendor_of(profile("cli")) == "cli"
