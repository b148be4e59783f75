"""Specs that a tenant has saved under names."""

from __future__ import annotations

from dataclasses import dataclass

from shared.api.job import AggregationJson
from shared.api.view import Time, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecView(View):
    """A saved spec."""

    name: str
    """The name by which jobs and uploads ask for it."""
    aggregation: AggregationJson
    """The spec, as JSON that can be sent again."""
    created_at: Time
    """When a spec of this name was saved first."""
    changed_at: Time
    """When it was saved last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecSummaryView(View):
    """A saved spec in a list."""

    name: str
    """The name by which jobs and uploads ask for it."""
    created_at: Time
    """When a spec of this name was saved first."""
    changed_at: Time
    """When it was saved last."""
    etag: str
    """The `ETag` of the spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecListView(View):
    """The saved specs of a tenant, by name."""

    specs: tuple[SpecSummaryView, ...]
    """All of them."""
