"""The names of tenants."""

from __future__ import annotations

import pytest

from shared.access.tenant import DEFAULT_TENANT, parse_tenant


@pytest.mark.parametrize("name", ["a", "0", "acme", "acme-2", "a" * 63, "a-", DEFAULT_TENANT])
def test_a_name_of_lower_case_letters_digits_and_hyphens_is_taken(name: str) -> None:
    assert parse_tenant(name) == name


@pytest.mark.parametrize(
    "text", ["", "-a", "A", "a_b", "a.b", "a/b", " a", "a\n", "a" * 64, "ä", "٣", "../default"]
)
def test_any_other_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name of a tenant"):
        parse_tenant(text)
