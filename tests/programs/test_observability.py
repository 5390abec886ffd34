"""What the observability guide and the dashboard file say is what the code does."""

import json
import pathlib
import re

from prometheus_client.parser import text_string_to_metric_families

from aimux.daemon._logging import JsonLines
from aimux.model import BreakerSettings

from ..engine.house import answers, fails, open_house
from ..engine.test_tracer import FakeExporter
from ..packaging.log_events import ROOT, log_events, row
from ..tools.calls import Clock

GUIDE = ROOT / "docs" / "guide" / "observability.md"
DASHBOARD = ROOT / "docs" / "observability" / "grafana.json"
UNSHOWN = {"aimux_build_info", "aimux_start_time_seconds", "aimux_store_commits"}  # no curve
ALWAYS = ("event", "level", "logger", "timestamp", "job", "exception")


def test_the_guide_lists_every_logged_event_with_its_fields() -> None:
    """And none that is not there any more."""
    text = GUIDE.read_text(encoding="utf-8")
    listed = {line for line in text.splitlines() if line.startswith("| `aimux.")}

    assert listed == {row(each) for each in log_events()}
    assert len(listed) > 30


def test_the_guide_names_the_fields_of_every_line() -> None:
    """As the formatter writes them."""
    text = GUIDE.read_text(encoding="utf-8")
    source = pathlib.Path(str(JsonLines.format.__code__.co_filename)).read_text(encoding="utf-8")

    for field in ALWAYS:
        assert f"| `{field}` |" in text
        assert f'"{field}"' in source


async def test_every_metric_that_the_dashboard_asks_for_is_there(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Under that name, and with the labels it is summed by."""
    breaker = BreakerSettings(failure_threshold=1)
    turns = [answers("fine"), fails("what?")]
    collector = FakeExporter()  # traces are on
    async with open_house(tmp_path, turns, breaker=breaker, exporter=collector) as house:
        await house.ask("exec", prompt="x", cli="alpha")
        await house.ask("exec", prompt="x", cli="beta")
        with house.app.attached(house.client):
            text = house.app.metrics()
    assert text is not None
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        labels.setdefault(family.name, set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]

    assert len(asked) > 10
    asked_for = {name for each in asked for name in re.findall(r"aimux_\w+", each)}
    families = {family.name for family in text_string_to_metric_families(text)}
    bare = {re.sub(r"_(total|bucket)$", "", name) for name in asked_for}
    assert families - bare == UNSHOWN
    for expression in asked:
        names = re.findall(r"aimux_\w+", expression)
        assert names
        assert set(names) <= set(labels), expression
        by = re.findall(r"by \(([^)]*)\)", expression)
        used = {each.strip() for group in by for each in group.split(",")}
        assert used <= {label for name in names for label in labels[name]}, expression
