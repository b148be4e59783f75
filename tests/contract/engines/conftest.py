"""Every engine, and a scratch folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processor.engines.port import EngineLimits
from tests.contract.engines.runs import ENGINES, MAKERS, ON_RANGES

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine
    from tests.contract.engines.runs import MakeEngine


@pytest.fixture(params=[*ENGINES, ON_RANGES])
def make_engine(request: pytest.FixtureRequest) -> MakeEngine:
    return MAKERS[request.param]


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    return make_engine(EngineLimits())


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch's [*]"
    folder.mkdir()
    return folder
