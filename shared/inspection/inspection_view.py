"""An inspection as the API and `csvmill inspect` show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.api.inspection import (
    ColumnView,
    DialectView,
    InspectionView,
    NumberStyleView,
    SampleRowView,
)
from shared.api.problem import ProblemView
from shared.api.report import WarningView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.inspection.inspect import Inspection
    from shared.jobs.warnings import FileWarning


def inspection_view(inspection: Inspection) -> InspectionView:
    """Return an inspection as the API and `csvmill inspect` show it."""
    fits = inspection.fits
    return InspectionView.from_value(
        inspection,
        input=DialectView.from_value(
            inspection.dialect,
            header=inspection.header.header,
            null=list(inspection.dialect.null),
            number=NumberStyleView.from_value(inspection.dialect.number),
        ),
        header_reason=inspection.header.reason,
        sep_line=inspection.dialect.sep_line,
        line_ends=list(inspection.line_ends),
        columns=list(map(ColumnView.from_value, inspection.columns)),
        notes=[*inspection.notes, *_earlier_notes(inspection.warnings)],
        warnings=list(map(WarningView.from_value, inspection.warnings)),
        proposal=inspection.proposed,
        proposal_reasons=list(inspection.lines.reasons),
        bytes=inspection.size,
        problems=list(map(ProblemView.from_value, inspection.problems)),
        fits=None if fits is None else fits.error is None,
        misfit=None if fits is None else fits.error,
        misfit_field=None if fits is None else fits.field,
        sample_rows=[SampleRowView(each.line, list(each.cells)) for each in inspection.sample_rows],
        output_columns=None if fits is None or fits.error else list(fits.columns),
    )


def _earlier_notes(warnings: Iterable[FileWarning]) -> list[str]:
    """Return the warnings that were notes before the API had warnings of inspections."""
    kinds = ("utf8_text", "grouped_integers")
    return [f"{each}; {each.remedy}" for each in warnings if each.kind in kinds]
