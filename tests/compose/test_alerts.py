"""Alert rules, run by Prometheus itself on series of given values."""

from __future__ import annotations

import os

from tests.compose.stack import IMAGES, ROOT, docker
from tests.queries import ALERTS

TESTS = ROOT / "tests/compose/alerts_test.yml"


def test_alerts_fire_when_they_should_and_only_then(engine: None) -> None:
    image = os.environ.get("PROMETHEUS_IMAGE", IMAGES["PROMETHEUS_IMAGE"])
    promtool = (
        "run", "--rm", "--network=none", "--entrypoint=promtool", "--workdir=/rules",
        f"--volume={ALERTS}:/rules/alerts.yml:ro", f"--volume={TESTS}:/rules/tests.yml:ro", image,
    )  # fmt: skip
    docker(*promtool, "check", "rules", "alerts.yml")
    assert "SUCCESS" in docker(*promtool, "test", "rules", "tests.yml")
