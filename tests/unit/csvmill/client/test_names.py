"""The names of `csvmill.client`, which are imported when they are first used."""

from __future__ import annotations

import pytest

import csvmill.client as package


def test_every_public_name_has_a_module_and_every_module_its_names() -> None:
    assert set(package._SOURCES) == set(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Clinet'"):
        _ = package.Clinet
