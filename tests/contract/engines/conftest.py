"""Every engine, and a scratch folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processor.engines.port import EngineLimits
from tests.contract.engines.runs import ENGINES, on_ranges

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine
    from tests.contract.engines.runs import MakeEngine


@pytest.fixture(params=[*ENGINES, pytest.param("kernel-on-ranges", marks=pytest.mark.long)])
def make_engine(request: pytest.FixtureRequest) -> MakeEngine:
    return ENGINES.get(request.param, on_ranges)


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    return make_engine(EngineLimits())


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch's [*]"
    folder.mkdir()
    return folder
