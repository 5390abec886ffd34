"""Domains: the shipped ones hold, faults say their key, and questions find theirs."""

import pathlib
from collections.abc import Mapping
from typing import Any

import pytest

from aimux.config import ClientContext, Loader
from aimux.files.shipped import shipped
from aimux.investigate import Domain, angle_arguments, detect, read_domain
from aimux.library.domains import DomainLibrary

PATTERNS = frozenset({
    "think", "critical_thinking", "sequential_thinking", "scientific_method", "decision_framework",
    "problem_decomposition", "debugging_approach", "mental_model", "metacognitive_monitoring",
    "structured_argumentation", "collaborative_reasoning", "recursive_thinking", "domain_modeling",
    "architecture_analysis", "stochastic_algorithm", "temporal_thinking", "visual_reasoning",
    "source_comparison", "literature_review", "peer_review", "replication_analysis",
    "experimental_loop", "research_synthesis",
})  # fmt: skip


def library(root: pathlib.Path) -> DomainLibrary:
    env = {"HOME": str(root), "AIMUX_CONFIG_DIR": str(root / "config")}
    return Loader().domains(ClientContext(cwd=root, env=env))


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Domain]:
    found = library(tmp_path_factory.mktemp("nobody"))
    assert list(found.problems) == []
    return found.domains


def test_every_shipped_domain_can_be_worked_with(domains: Mapping[str, Domain]) -> None:
    """Areas each with a method, angles of real patterns, hints with what mends them."""
    files = {each.stem for each in (shipped("profiles") / "domains").glob("*.yaml")}

    assert domains.keys() == files
    assert len(domains) == 10
    for domain in domains.values():
        assert 8 <= len(domain.areas) <= 10, domain.name
        assert all(len(method) > 20 for method in domain.areas.values()), domain.name
        assert domain.summary
        assert domain.keywords or domain.name == "generic"
        assert domain.angles
        assert all(each.pattern in PATTERNS for each in domain.angles)
        assert domain.indicators
        assert all(each.fix for each in domain.indicators)
        assert len(domain.anti_patterns) >= 2


@pytest.mark.parametrize(
    ("question", "domain", "matched"),
    [
        ("Why is the author list slow?", "performance", ["slow"]),
        ("Trace the brace in the player", "generic", []),
        ("Is the auth token secure?", "security", ["secure", "auth", "token"]),
        ("Does the retry hang with a timeout?", "debugging", ["hang", "timeout"]),
        ("Compare alternatives by benchmarks", "research", ["compare", "benchmark", "alternative"]),
        ("Are there race conditions?", "debugging", ["race", "race condition"]),
        ("", "generic", []),
    ],
)
def test_a_question_finds_its_domain(
    domains: Mapping[str, Domain], question: str, domain: str, matched: list[str]
) -> None:
    """By whole words, in either number, and says by which."""
    found = detect(question, domains)

    assert (found.domain, sorted(found.matched)) == (domain, sorted(matched))
    assert found.scores.get(domain, 0) == len(matched)


def test_an_angle_is_a_call_with_the_question_in_it() -> None:
    """And the fields that its pattern needs."""
    domain, faults = read_domain(
        "own",
        {
            "areas": ["one"],
            "angles": [
                {"name": "a", "pattern": "mental_model", "fields": {"modelName": "inversion"}},
                {"name": "b", "pattern": "think", "prompt": "Doubt this, all of it: {question}"},
            ],
        },
    )
    assert domain is not None

    assert faults == []
    assert angle_arguments(domain.angles[0], "why, oh why?") == {
        "pattern": "mental_model",
        "prompt": "why, oh why?",
        "modelName": "inversion",
    }
    assert angle_arguments(domain.angles[1], "x")["prompt"] == "Doubt this, all of it: x"
    assert "one" in domain.method("one")


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"areas": {}}, "areas"),
        ({}, "areas"),
        ({"areas": ["x"], "colour": 1}, "colour"),
        ({"areas": {"Not A Name": "x"}}, "areas.Not A Name"),
        ({"areas": ["x"], "keywords": "one"}, "keywords"),
        ({"areas": ["x"], "keywords": [1]}, "keywords.0"),
        ({"areas": ["x"], "indicators": [{"text": "t", "severity": "P7"}]}, "indicators.0"),
        ({"areas": ["x"], "indicators": ["t"]}, "indicators.0"),
        ({"areas": ["x"], "angles": [{"name": "n"}]}, "angles.0"),
        (
            {"areas": ["x"], "angles": [{"name": "n", "pattern": "p", "fields": 1}]},
            "angles.0.fields",
        ),
        ({"areas": ["x"], "min_verified": "many"}, "min_verified"),
        ({"areas": ["x"], "summary": "s" * 3_000}, "summary"),
        ({"areas": [f"a{n}" for n in range(31)]}, "areas"),
    ],
)
def test_a_fault_says_its_key(data: dict[str, Any], key: str) -> None:
    """What is right about the rest counts."""
    domain, faults = read_domain("own", data)

    assert [each for each, _ in faults] == [key]
    assert (domain is None) == key.startswith("areas")


@pytest.mark.parametrize(
    ("name", "data"), [("own", []), ("auto", {}), ("Own", {}), ("general", {})]
)
def test_what_is_no_domain(name: str, data: object) -> None:
    """Neither its name nor its content may be anything else."""
    assert read_domain(name, data)[0] is None


def test_the_user_s_own_files_come_on_top(tmp_path: pathlib.Path) -> None:
    """A new one, one that replaces, and one that is broken and leaves the shipped one."""
    own = tmp_path / "config" / "domains.d"
    own.mkdir(parents=True)
    (own / "billing.yaml").write_text("areas: {invoices: Read one.}\n", encoding="utf-8")
    (own / "security.yaml").write_text("areas: [doors]\ncolour: red\n", encoding="utf-8")
    (own / "testing.yaml").write_text("areas: [\n", encoding="utf-8")
    found = library(tmp_path)

    assert list(found.domains["billing"].areas) == ["invoices"]
    assert list(found.domains["security"].areas) == ["doors"]
    assert len(found.domains["testing"].areas) == 8
    assert sorted(str(each.where).rpartition("/")[2] for each in found.problems) == [
        "security.yaml:2",
        "testing.yaml:2",
    ]


def test_a_saved_change_counts_from_the_next_call_on(tmp_path: pathlib.Path) -> None:
    """And the same loader gives the same library while nothing changed."""
    own = tmp_path / "config" / "domains.d"
    own.mkdir(parents=True)
    loader = Loader()
    client = ClientContext(cwd=tmp_path, env={"AIMUX_CONFIG_DIR": str(tmp_path / "config")})
    first = loader.domains(client)
    same = loader.domains(client)
    (own / "billing.yaml").write_text("areas: [invoices]\n", encoding="utf-8")

    assert same is first
    assert "billing" in loader.domains(client).domains
