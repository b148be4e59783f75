"""The settings of the cluster."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from processor.engines.spark.settings import SparkSettings


def test_without_a_url_there_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SparkSettings().cluster() is None
    monkeypatch.setenv("CSVMILL_SPARK", "")
    assert SparkSettings().cluster() is None


def test_a_url_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_SPARK", "spark://host:7077")
    with pytest.raises(ValidationError, match="begins with sc://"):
        SparkSettings()


def test_the_url_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_SPARK", "sc://host:15002/;token=abc")
    assert "abc" not in repr(SparkSettings())
