"""Chaos tests run last, after all smaller tests."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _is_chaos(item.path))


def _is_chaos(path: Path) -> bool:
    return path.parent == HERE
