"""Reads the output of `/metrics` as Prometheus does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Exposition:
    """The samples of one response: name, labels, value."""

    samples: tuple[tuple[str, Mapping[str, str], float], ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Parse the text format."""
        return cls(
            tuple(
                (sample.name, sample.labels, sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            )
        )

    @property
    def labels(self) -> dict[str, set[str]]:
        """The names of the labels of each metric, by the metric's name in queries."""
        found: dict[str, set[str]] = {}
        for name, labels, _ in self.samples:
            found.setdefault(name, set()).update(labels)
        return found

    def value(self, name: str, **labels: str) -> float:
        """Return the sum over all series with this name and these labels. One must exist."""
        values = [
            value
            for sample, has, value in self.samples
            if sample == name and labels.items() <= has.items()
        ]
        assert values, f"no {name} with {labels}"
        return sum(values)

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of a metric by the values of its labels."""
        return {
            tuple(has[label] for label in labels): value
            for sample, has, value in self.samples
            if sample == name
        }
