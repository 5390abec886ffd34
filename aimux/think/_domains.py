"""Ten templates of well-known domains: what such a thing usually has. Seeds, no evidence."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ._words import words


@attrs.frozen(kw_only=True)
class Domain:
    """A template; `edges` are pairs of which the first depends on the second."""

    name: str
    keywords: Sequence[str]
    parts: Sequence[str]
    expected: Sequence[str]
    edges: Sequence[tuple[str, str]] = ()
    entities: Sequence[str] = ()
    components: Sequence[str] = ()
    criteria: Sequence[str] = ()


def _domain(name: str, keywords: str, parts: str, expected: str, **more: str) -> Domain:
    lists = {key: value.split() for key, value in more.items() if key != "edges"}
    pairs = [each.split(">") for each in more.get("edges", "").split()]
    return Domain(
        name=name,
        keywords=keywords.split(),
        parts=parts.split(),
        expected=expected.split(),
        edges=[(first, second) for first, second in pairs],
        **lists,
    )


DOMAINS: Final[Sequence[Domain]] = (
    _domain(
        "auth",
        "auth login authentication oauth jwt session",
        "user-registration login-flow token-management session-handling role-based-access-control",
        "registration login tokens sessions logout roles password-reset mfa",
        edges="login-flow>user-registration token-management>login-flow"
        " session-handling>token-management role-based-access-control>token-management",
        entities="User Credential Token Session Role",
        components="IdentityStore LoginService TokenService SessionStore AccessPolicy",
        criteria="security usability compliance effort",
    ),
    _domain(
        "api",
        "api endpoint rest graphql route",
        "schema-design routing request-validation error-handling authentication-middleware"
        " rate-limiting documentation",
        "routing validation authentication rate-limiting error-handling documentation versioning",
        edges="routing>schema-design request-validation>schema-design documentation>schema-design"
        " authentication-middleware>routing rate-limiting>routing",
        entities="Resource Endpoint Request Response Client",
        components="Router Validator AuthMiddleware RateLimiter Handlers",
        criteria="consistency compatibility latency documentation",
    ),
    _domain(
        "database",
        "database schema migration sql postgres mongo table",
        "entity-modeling relationships indexes migrations seeding backup-strategy",
        "entities relationships indexes migrations constraints normalization backup",
        edges="relationships>entity-modeling indexes>entity-modeling migrations>relationships"
        " seeding>migrations",
        entities="Table Column Index Migration Constraint Relationship",
        components="PrimaryStore Replica MigrationRunner BackupJob ConnectionPool",
        criteria="integrity query-latency operability cost",
    ),
    _domain(
        "deploy",
        "deploy ci cd docker kubernetes infrastructure",
        "build-pipeline containerization orchestration monitoring rollback-strategy"
        " secret-management",
        "pipeline container orchestration monitoring rollback secrets ssl",
        edges="containerization>build-pipeline orchestration>containerization"
        " monitoring>orchestration rollback-strategy>orchestration",
        entities="Image Release Environment Secret Node",
        components="Builder Registry Orchestrator Monitor SecretStore",
        criteria="reversibility downtime automation cost",
    ),
    _domain(
        "test",
        "test coverage quality qa unit integration e2e",
        "unit-test-strategy integration-tests e2e-tests coverage-gates test-fixtures"
        " ci-integration",
        "unit integration e2e coverage fixtures mocking ci",
        edges="integration-tests>unit-test-strategy e2e-tests>integration-tests"
        " coverage-gates>unit-test-strategy",
        entities="TestCase Fixture Suite Report",
        components="Runner Fixtures Fakes CoverageGate Reporter",
        criteria="confidence speed stability upkeep",
    ),
    _domain(
        "frontend",
        "frontend ui component react vue css layout",
        "component-architecture state-management routing styling-system accessibility"
        " responsive-design",
        "components state routing styling accessibility responsive performance",
        edges="state-management>component-architecture routing>component-architecture"
        " accessibility>component-architecture responsive-design>styling-system",
        entities="Component Page State Theme",
        components="App Router StateStore UIComponents ThemeProvider",
        criteria="accessibility load-time consistency effort",
    ),
    _domain(
        "backend",
        "backend server service handler middleware",
        "service-layer data-access middleware-chain error-handling logging configuration",
        "services handlers middleware logging configuration validation caching",
        edges="service-layer>data-access middleware-chain>configuration"
        " error-handling>service-layer logging>configuration",
        entities="Service Handler Request Record",
        components="Server Router Middleware ServiceLayer DataAccessLayer Logger",
        criteria="throughput reliability operability cost",
    ),
    _domain(
        "security",
        "security vulnerability owasp audit secrets encryption",
        "input-validation output-encoding authentication authorization secrets-management"
        " dependency-audit logging-audit",
        "input-validation authentication authorization encryption secrets audit dependencies",
        edges="authorization>authentication logging-audit>authentication"
        " output-encoding>input-validation",
        entities="Asset Threat Vulnerability Control",
        components="Gateway AuthService Vault Scanner AuditLog",
        criteria="severity exploitability data-exposure-risk remediation-effort",
    ),
    _domain(
        "monitoring",
        "monitoring observability metrics logging alerting tracing",
        "metrics-collection log-aggregation distributed-tracing alerting-rules dashboard-design"
        " SLO-definition",
        "metrics logs traces alerts dashboards slo uptime",
        edges="alerting-rules>metrics-collection dashboard-design>metrics-collection"
        " alerting-rules>SLO-definition",
        entities="Metric Log Trace Alert Dashboard",
        components="MetricsCollector LogAggregator Tracer AlertManager Dashboard",
        criteria="signal coverage cost noise",
    ),
    _domain(
        "data-pipeline",
        "pipeline etl data stream batch transform",
        "ingestion transformation validation loading scheduling error-recovery",
        "ingestion transformation validation loading scheduling retry dead-letter",
        edges="transformation>ingestion validation>transformation loading>validation"
        " error-recovery>loading",
        entities="Source Record Batch Sink",
        components="Ingester Transformer Validator Loader Scheduler DeadLetterQueue",
        criteria="correctness latency replayability cost",
    ),
)

_BY_KEYWORD: Final[Mapping[str, Sequence[int]]] = {
    keyword: [at for at, each in enumerate(DOMAINS) if keyword in each.keywords]
    for domain in DOMAINS
    for keyword in domain.keywords
}


def domain_of(text: str) -> Domain | None:
    """The template with the most keywords in a text, the first one of equals; None without any."""
    found = [at for word in set(words(text)) for at in _BY_KEYWORD.get(word, ())]
    return DOMAINS[min(found, key=lambda at: (-found.count(at), at))] if found else None
