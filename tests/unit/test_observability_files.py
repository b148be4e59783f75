"""Dashboards and alert rules query only metrics and labels that the services expose."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, generate_latest

from csvmill.standalone.app import standalone
from csvmill.standalone.settings import StandaloneSettings
from shared.blobs.servers.metrics import ServerMetrics
from tests.metrics import Exposition
from tests.queries import DASHBOARDS, DEPLOY, alert_rules, queries

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = DEPLOY.parent / "docs/observability.md"

ADDED_BY_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus adds to every series."""
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "bool", "offset"}

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SELECTOR = re.compile(rf"(?<![\w:])({_NAME})\s*\{{(.*?)\}}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\((.*?)\)")


def parsed(query: str) -> tuple[set[str], dict[str, set[str]], set[str]]:
    """Return the metrics of a query, the labels that it matches for each, and its groupings."""
    query = re.sub(r'"[^"]*"', '""', query)
    matched = {
        metric: set(re.findall(rf"({_NAME})\s*(?:=~|!~|!=|=)", matchers))
        for metric, matchers in _SELECTOR.findall(query)
    }
    grouped = {label.strip() for labels in _GROUPING.findall(query) for label in labels.split(",")}
    bare = re.sub(r"\{.*?\}|\[.*?\]", " ", _GROUPING.sub(" ", query))
    names = {
        name
        for name, call in re.findall(rf"(?<![\w.$])({_NAME})\s*(\(?)", bare)
        if not call and name not in WORDS
    }
    return names | set(matched), matched, grouped - {""}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Exposition:
    """The metrics of the standalone service, which has those of all services, after a job."""
    folder = tmp_path_factory.mktemp("standalone")
    return asyncio.run(_after_a_job(folder))


async def _after_a_job(folder: Path) -> Exposition:
    form = aiohttp.FormData()
    form.add_field("file", b"Song,Date,Plays\na,b,1\n", filename="plays.csv")
    async with (
        standalone(StandaloneSettings(data_dir=folder, threads=1)) as app,
        TestClient(TestServer(app)) as client,
        asyncio.timeout(60),
    ):
        answer: dict[str, Any] = await (await client.post("/api/upload_file", data=form)).json()
        status = ""
        while status != "SUCCESS":
            response = await client.get(f"/api/file_status/{answer['job_id']}")
            status = (await response.json())["job_status"]
        return Exposition.of(await (await client.get("/metrics")).text())


def test_metrics_and_labels_are_parsed_from_queries() -> None:
    query = (
        'sum by (job, le) (rate(a_total{x=~"b{2}_total", y!="c"}[5m])) / 2 > 1e3 '
        'or absent(up{job="g"}) and b_seconds unless predict_linear(c_bytes[2h], 6 * 3600) < 0'
    )
    names, matched, grouped = parsed(query)
    assert names == {"a_total", "up", "b_seconds", "c_bytes"}
    assert matched == {"a_total": {"x", "y"}, "up": {"job"}}
    assert grouped == {"job", "le"}


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda value: value[:40])
def test_every_query_uses_existing_metrics_and_labels(
    where: str, query: str, shown: Exposition
) -> None:
    exposed = {**shown.labels, "up": set()}
    names, matched, grouped = parsed(query)
    assert names, where
    assert names <= set(exposed), where
    for name, labels in matched.items():
        assert labels <= exposed[name] | ADDED_BY_PROMETHEUS, where
    all_labels = set().union(*(exposed[name] for name in names))
    assert grouped <= all_labels | ADDED_BY_PROMETHEUS, where


def test_a_dashboard_can_be_provisioned() -> None:
    given = DEPLOY / "grafana/provisioning/datasources/prometheus.yml"
    (source,) = yaml.safe_load(given.read_text())["datasources"]
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        assert dashboard["uid"]
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
        used = {
            part["datasource"]["uid"]
            for panel in dashboard["panels"]
            for part in (*panel.get("targets", ()), panel)
            if "datasource" in part
        }
        assert used == {source["uid"]}
    assert DASHBOARDS


def test_every_alert_has_a_severity_and_a_summary() -> None:
    for rule in alert_rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_exactly_the_existing_metrics_are_documented(shown: Exposition) -> None:
    suffix = re.compile(r"_(?:bucket|count|sum|created)$")
    # A process alone has no other storage servers.
    several = CollectorRegistry()
    ServerMetrics(several).ready("http://storage-1:8001", True)
    labels = shown.labels | Exposition.of(generate_latest(several).decode()).labels
    # The library adds `_created` to each counter and histogram.
    real = {
        suffix.sub("", name)
        for name in labels
        if name.startswith("csvmill_") and not name.endswith("_created")
    }
    documented = set(re.findall(r"^\| `(csvmill_\w+)` ", DOCUMENT.read_text(), re.MULTILINE))
    assert documented == real
