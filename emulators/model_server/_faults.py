"""The errors a model endpoint answers with, in the words and the shape of each API family."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

Json = dict[str, object]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One kind of error: its HTTP status and its words in each family."""

    status: int
    openai: tuple[str, str | None, str]  # type, code, message
    anthropic: tuple[str, str]  # type, message
    gemini: tuple[int, str, str]  # its own HTTP status, status word, message
    retry_after_s: int | None = None


FAULTS: Final[Mapping[str, Fault]] = {
    "401": Fault(
        401,
        ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: test-key."),
        ("authentication_error", "invalid x-api-key"),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    ),
    "403": Fault(
        403,
        ("permission_error", "permission_denied", "Your project may not use this model."),
        ("permission_error", "Your API key is not allowed to use this resource."),
        (403, "PERMISSION_DENIED", "The caller does not have permission."),
    ),
    "404": Fault(
        404,
        (
            "invalid_request_error",
            "model_not_found",
            "The model `{model}` does not exist or you do not have access to it.",
        ),
        ("not_found_error", "model: {model}"),
        (404, "NOT_FOUND", "models/{model} is not found for API version v1beta."),
    ),
    "429": Fault(
        429,
        ("requests", "rate_limit_exceeded", "Rate limit reached for {model}. Try again in 1s."),
        ("rate_limit_error", "This request would exceed your organization's rate limit."),
        (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted. Please retry in 1s."),
        retry_after_s=1,
    ),
    "quota": Fault(
        429,
        (
            "insufficient_quota",
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        ("rate_limit_error", "You have reached your usage limit for this month."),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan."),
    ),
    "500": Fault(
        500,
        ("server_error", None, "The server had an error while processing your request."),
        ("api_error", "Internal server error"),
        (500, "INTERNAL", "An internal error has occurred."),
    ),
    "503": Fault(
        503,
        ("server_error", "service_unavailable", "The server is overloaded or not ready yet."),
        ("overloaded_error", "Overloaded"),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    ),
    "529": Fault(
        529,
        ("server_error", "overloaded", "The server is overloaded."),
        ("overloaded_error", "Overloaded"),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    ),
    "context": Fault(
        400,
        (
            "invalid_request_error",
            "context_length_exceeded",
            "This model's maximum context length is 128000 tokens. Reduce your messages.",
        ),
        ("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        (400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens."),
    ),
    "route": Fault(
        404,
        ("invalid_request_error", "unknown_url", "Unknown request URL."),
        ("not_found_error", "Not found"),
        (404, "NOT_FOUND", "Requested entity was not found."),
    ),
    "bad": Fault(
        400,
        ("invalid_request_error", None, "We could not parse the body of your request."),
        ("invalid_request_error", "The request body is not valid JSON"),
        (400, "INVALID_ARGUMENT", "Invalid JSON payload received."),
    ),
}


def error_of(family: str, name: str, model: str) -> tuple[int, Json, int | None]:
    """Status, body and retry-after seconds of a fault in the family's shape."""
    fault = FAULTS[name]
    if family == "messages":
        kind, words = fault.anthropic
        inner: Json = {"type": kind, "message": words.format(model=model)}
        return fault.status, {"type": "error", "error": inner}, fault.retry_after_s
    if family == "gemini":
        status, kind, words = fault.gemini
        inner = {"code": status, "message": words.format(model=model), "status": kind}
        details = _gemini_details(name)
        return status, {"error": inner | ({"details": details} if details else {})}, None
    kind, code, words = fault.openai[0], fault.openai[1], fault.openai[2].format(model=model)
    inner = {"message": words, "type": kind, "param": None, "code": code}
    return fault.status, {"error": inner}, fault.retry_after_s


def _gemini_details(name: str) -> list[Json]:
    kind = "type.googleapis.com/google.rpc."
    if name == "401":
        reason = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        return [{"@type": kind + "ErrorInfo", **reason}]
    if name == "429":
        return [{"@type": kind + "RetryInfo", "retryDelay": "1s"}]
    if name == "quota":
        limit = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
        return [{"@type": kind + "QuotaFailure", "violations": [{"quotaId": limit}]}]
    return []
