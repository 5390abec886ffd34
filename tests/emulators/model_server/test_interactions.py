"""The interactions API of the endpoint: begun, looked at, cancelled, with its faults."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulators.model_server import ModelServer, serve_model

LIMIT_S = 10


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serve_model() as running:
        yield running


def ask(server: ModelServer, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, f"/v1/interactions{path}", data)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def begin(server: ModelServer, text: str) -> tuple[int, Any]:
    return ask(server, "POST", "", {"agent": "a", "background": True, "input": text})


def test_a_research_is_begun_and_looked_at_until_it_has_ended(server: ModelServer) -> None:
    """The report cites pages at places counted in bytes."""
    _, begun = begin(server, "[[polls 2]] [[say Größe]]")
    looks = [ask(server, "GET", f"/{begun['id']}")[1] for _ in range(3)]

    assert begun["status"] == "queued"
    assert [each["status"] for each in looks] == ["in_progress", "completed", "completed"]
    content = looks[-1]["steps"][-1]["content"][0]
    note = content["annotations"][1]
    cited = content["text"].encode()[note["start_index"] : note["end_index"]]
    assert (note["type"], cited) == ("url_citation", b"Two sources agree.")
    assert content["text"].startswith("Größe\n")


def test_one_is_cancelled_once(server: ModelServer) -> None:
    """And stays so; what has ended cannot be."""
    _, begun = begin(server, "[[polls never]]")
    running = ask(server, "GET", f"/{begun['id']}")[1]
    cancelled = ask(server, "POST", f"/{begun['id']}/cancel", {})
    after = ask(server, "GET", f"/{begun['id']}")[1]
    again = ask(server, "POST", f"/{begun['id']}/cancel", {})

    assert running["status"] == "in_progress"
    assert (cancelled[0], cancelled[1]["status"]) == (200, "cancelled")
    assert after["status"] == "cancelled"
    assert again[0] == 400


def test_faults_come_in_mid_run_and_may_pass(server: ModelServer) -> None:
    """After the first look, so many times."""
    _, begun = begin(server, "[[midway 500 1]]")
    looks = [ask(server, "GET", f"/{begun['id']}") for _ in range(3)]
    _, odd = begin(server, "[[midway malformed]]")
    ask(server, "GET", f"/{odd['id']}")

    assert [status for status, _ in looks] == [200, 500, 200]
    assert looks[2][1]["status"] == "completed"
    assert "id" not in ask(server, "GET", f"/{odd['id']}")[1]


@pytest.mark.parametrize("status", ["failed", "incomplete", "budget_exceeded", "requires_action"])
def test_it_ends_as_it_is_told(server: ModelServer, status: str) -> None:
    """A failed one says why."""
    _, begun = begin(server, f"[[finish {status}]]")
    found = ask(server, "GET", f"/{begun['id']}")[1]

    assert found["status"] == status
    assert ("errors" in found) is (status == "failed")


def test_a_beginning_may_be_refused(server: ModelServer) -> None:
    """By a fault that passes; what is not in the background is no research."""
    refused, begun = begin(server, "[[behave 429 1]]"), begin(server, "[[behave 429 1]]")
    body = {"agent": "a", "input": "x"}

    assert (refused[0], begun[0]) == (429, 200)
    assert ask(server, "POST", "", body)[0] == 400
    assert ask(server, "GET", "/v1_none")[0] == 404
