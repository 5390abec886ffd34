"""The records claude prints: the first event, messages, stream events, the closing result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from . import _claude_lists, _sessions, _stage
from ._grammar import Parsed
from ._stage import Stage, dump, pieces

VERSION = "2.1.330"
NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


class Printer:
    """What a run prints, in the format asked for."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.format = parsed.text("output_format", "text")
        self.model = parsed.text("model") or os.environ.get("ANTHROPIC_MODEL") or "claude-opus-5-5"
        self.mode = parsed.text("permission_mode", "default")
        if parsed.has("dangerously_skip_permissions"):
            self.mode = "bypassPermissions"
        self.stage = Stage(
            "claude",
            "Claude Code",
            jsonl=self.format == "stream-json",
            marker='{"type":"result","subtype":"success"}',
        )
        self.session = _sessions.Session("", "")
        self.denials: list[dict[str, object]] = []
        self.kept: list[object] = []
        self.used = (0, 0)
        self.turns = 1
        self.begun: list[str] = []
        self.tool_open = False

    def emit(self, event: dict[str, object]) -> None:
        if self.format == "stream-json":
            self.stage.event(event)
        elif self.format == "json" and self.parsed.has("verbose"):
            self.kept.append(event)

    def tail(self) -> dict[str, object]:
        return {"session_id": self.session.ident, "uuid": _sessions.new_uuid()}

    def init(self) -> None:
        servers = [
            {"name": name, "status": "connected", "source": "dynamic"} for name in self.servers()
        ]
        self.emit(
            {
                "type": "system",
                "subtype": "init",
                "cwd": os.getcwd(),
                "session_id": self.session.ident,
                "tools": _claude_lists.TOOLS,
                "mcp_servers": servers,
                "model": self.model,
                "permissionMode": self.mode,
                "slash_commands": _claude_lists.SLASH_COMMANDS,
                "terminal_slash_commands": _claude_lists.TERMINAL_SLASH_COMMANDS,
                "apiKeySource": "ANTHROPIC_API_KEY"
                if "ANTHROPIC_API_KEY" in os.environ
                else "none",
                "claude_code_version": VERSION,
                "output_style": "default",
                "agents": _claude_lists.AGENTS,
                "skills": _claude_lists.SKILLS,
                "plugins": _claude_lists.PLUGINS,
                "capabilities": _claude_lists.CAPABILITIES,
                "analytics_disabled": True,
                "product_feedback_disabled": True,
                "served_by_anthropic": False,
                "uuid": _sessions.new_uuid(),
                "memory_paths": {"auto": f"{self.session.folder}/memory/"},
                "original_cwd": os.getcwd(),
                "additional_directories": self.parsed.texts("add_dir"),
                "messaging_socket_path": f"/tmp/cc-socks/{os.getpid()}.sock",
                "fast_mode_state": "off",
                "fast_mode_disabled_reason": "sdk_opt_in_required",
                "per_turn_effort_active": True,
                "ultrathink_available": False,
                "ultrathink_typed_raises": False,
                "view_mode": "default",
            }
        )

    def servers(self) -> list[str]:
        names: list[str] = []
        for given in self.parsed.texts("mcp_config"):
            text = given
            if not given.lstrip().startswith("{"):
                with open(given, encoding="utf-8") as file:
                    text = file.read()
            names += json.loads(text).get("mcpServers", {})
        return names

    def assistant(
        self, ident: str, content: Sequence[Mapping[str, object]], **more: object
    ) -> None:
        usage = {
            "input_tokens": self.used[0],
            "output_tokens": 1,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "service_tier": "standard",
        }
        self.emit(
            {
                "type": "assistant",
                "message": {
                    "id": ident,
                    "type": "message",
                    "role": "assistant",
                    "model": self.model,
                    "content": content,
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": usage,
                    "context_management": None,
                },
                "parent_tool_use_id": None,
                **self.tail(),
                "timestamp": _stage.clock(),
                **more,
            }
        )

    def stream(self, ident: str, event: Mapping[str, object], **more: object) -> None:
        if self.parsed.has("include_partial_messages"):
            self.emit(
                {
                    "type": "stream_event",
                    "event": event,
                    "session_id": self.session.ident,
                    "parent_tool_use_id": None,
                    "uuid": _sessions.new_uuid(),
                    **more,
                    "api_message_id": ident,
                }
            )

    def model_usage(self) -> dict[str, object]:
        if self.used == (0, 0):
            return {}
        return {
            self.model: {
                "inputTokens": self.used[0],
                "outputTokens": self.used[1],
                "cacheReadInputTokens": 0,
                "cacheCreationInputTokens": 0,
                "webSearchRequests": 0,
                "costUSD": self.cost(),
                "contextWindow": 1000000,
                "maxOutputTokens": 128000,
                "thinkingTokens": 0,
                "cacheCreationEphemeral5mInputTokens": 0,
                "cacheCreationEphemeral1hInputTokens": 0,
                "canonicalModel": self.model,
                "provider": "firstParty",
                "costBasis": "list",
            }
        }

    def cost(self) -> float:
        return self.used[0] * 4e-6 + self.used[1] * 2e-5

    def result(self, *, reason: str, stop: str | None, error: bool, **outcome: object) -> None:
        """Print the closing record in the format asked for."""
        if self.format == "text":
            text = outcome.get("result") or "\n".join(outcome.get("errors", []))  # type: ignore[arg-type]
            self.stage.line(str(text))
            return
        usage: dict[str, object] = {
            "input_tokens": self.used[0],
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": self.used[1],
        }
        details = {"output_tokens_details": {"thinking_tokens": 0}}
        usage = {**usage, **details} if any(self.used) else {**details, **usage}
        usage |= {
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": "standard",
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
            "inference_geo": "",
            "iterations": [],
            "speed": "standard",
            "fallback_credit": None,
        }
        times = self.stage.elapsed_ms()
        record: dict[str, object] = {
            "duration_api_ms": times if any(self.used) else 0,
            "stop_reason": stop,
            "session_id": self.session.ident,
            "total_cost_usd": self.cost() if any(self.used) else 0,
            "usage": usage,
            "modelUsage": self.model_usage(),
            "permission_denials": self.denials,
            "terminal_reason": reason,
            "fast_mode_state": "off",
            "fast_mode_disabled_reason": "sdk_opt_in_required",
            "subagent_stats": {
                "spawned": 0,
                "requested": {"background": 0, "foreground": 0, "unset": 0},
                "started_in_background": 0,
                "max_depth": 0,
                "spawned_by_subagents": 0,
                "completed": 0,
                "failed": 0,
                "killed": {"parent": 0, "user": 0, "system": 0},
                "refused": {"depth_limit": 0, "concurrency_limit": 0, "budget": 0},
                "by_type": {},
            },
            "safety_stops": 0,
            "is_error": error,
            "num_turns": self.turns,
            **outcome,
        }
        if not error:
            record["ttft_ms"] = times
        record |= {"type": "result", "duration_ms": times, "uuid": _sessions.new_uuid()}
        if self.begun and self.parsed.has("include_partial_messages"):
            record["begun_message_ids"] = self.begun
        if not error:
            record |= {
                "ttft_stream_ms": times,
                "time_to_request_ms": times,
                "first_content_frame_ms": times,
            }
        record |= {"queued_turn_count": 0, "result_index": 0}
        if self.format == "stream-json":
            record["model_usage_since_last_result"] = self.model_usage()
        if self.kept:
            self.stage.line(dump([*self.kept, record]))
        else:
            self.stage.event(record)

    def message(self, text: str) -> None:
        ident = message_id()
        self.begun.append(ident)
        start = {
            "type": "message_start",
            "message": {
                "id": ident,
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {
                    "input_tokens": self.used[0],
                    "output_tokens": 1,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "service_tier": "standard",
                },
            },
        }
        if self.parsed.has("include_partial_messages"):
            self.emit(
                {"type": "system", "subtype": "status", "status": "requesting", **self.tail()}
            )
        self.stream(ident, start, ttft_ms=15, thinking_display="updates")
        block = {"type": "text", "text": ""}
        self.stream(ident, {"type": "content_block_start", "index": 0, "content_block": block})
        for piece in pieces(text):
            delta = {"type": "text_delta", "text": piece}
            self.stream(ident, {"type": "content_block_delta", "index": 0, "delta": delta})
        self.assistant(ident, [{"type": "text", "text": text}])
        self.stream(ident, {"type": "content_block_stop", "index": 0})
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        usage = {"output_tokens": self.used[1]}
        self.stream(ident, {"type": "message_delta", "delta": ended, "usage": usage})
        self.stream(ident, {"type": "message_stop"})

    def synthetic(self, text: str, word: str, status: int, name: str) -> None:
        usage = {
            "output_tokens_details": None,
            **NO_USAGE,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": None,
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
            "inference_geo": None,
            "iterations": None,
            "speed": None,
            "fallback_credit": None,
        }
        self.emit(
            {
                "type": "assistant",
                "message": {
                    "diagnostics": None,
                    "id": _sessions.new_uuid(),
                    "container": None,
                    "model": "<synthetic>",
                    "role": "assistant",
                    "stop_details": None,
                    "stop_reason": "stop_sequence",
                    "stop_sequence": "",
                    "type": "message",
                    "usage": usage,
                    "content": [{"type": "text", "text": text}],
                    "context_management": None,
                },
                "parent_tool_use_id": None,
                **self.tail(),
                "timestamp": _stage.clock(),
                "error": word,
                "request_id": f"req_{os.urandom(6).hex()}",
                "is_api_error_message": True,
                "api_error_status": status,
                "api_error_type": name,
            }
        )


def message_id() -> str:
    return f"msg_{os.urandom(6).hex()}"
