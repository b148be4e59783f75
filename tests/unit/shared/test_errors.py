"""The error classes declare everything that an answer needs."""

from __future__ import annotations

import pytest

from shared import errors
from shared.errors import CsvmillError, error_classes

CLASSES = error_classes().values()


def subclasses(kind: type[CsvmillError]) -> list[type[CsvmillError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in subclasses(child))]


def test_every_class_of_the_module_declares_a_code() -> None:
    ours = {kind for kind in subclasses(CsvmillError) if kind.__module__ == errors.__name__}
    bases = {errors.AccessRefused}  # Never raised itself: its classes declare theirs.
    assert ours - bases == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_a_status_and_a_description(kind: type[CsvmillError]) -> None:
    assert 400 <= kind.status < 600
    assert 400 <= kind.internal_status < 600
    assert kind.__doc__
    assert kind.__doc__.partition("\n")[0].endswith(".")


@pytest.mark.parametrize("kind", CLASSES)
def test_a_problem_type_has_one_title_and_one_status(kind: type[CsvmillError]) -> None:
    alike = [other for other in CLASSES if other.problem_type == kind.problem_type]
    if kind.title is not None:
        assert {(other.title, other.status) for other in alike} == {(kind.title, kind.status)}
    else:
        assert kind.problem_type == "about:blank"


def test_a_code_that_another_class_has_is_refused() -> None:
    with pytest.raises(TypeError, match="InvalidInput"):

        class _Copy(CsvmillError, code="invalid_input"):
            """A copy."""


def test_undeclared_attributes_are_inherited() -> None:
    class Inherits(errors.JobNotFound):
        """A class without declarations."""

    kept = errors.JobNotFound
    assert (Inherits.code, Inherits.status, Inherits.title, Inherits.problem_type) == (
        kept.code,
        kept.status,
        kept.title,
        kept.problem_type,
    )


def test_storage_answers_with_the_status_that_is_declared_for_it_alone() -> None:
    assert (errors.BlobMoved.status, errors.BlobMoved.internal_status) == (503, 409)
