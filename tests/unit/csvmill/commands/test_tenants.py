"""`csvmill tenants` on a data folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from csvmill.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, [*arguments, "--data-dir", str(folder)])
    assert done.exit_code == code, done.output
    return done.output


def test_settings_of_tenants_are_changed_reset_and_listed(folder: Path) -> None:
    assert run(folder, "tenants", "list") == ""
    run(folder, "tenants", "set", "acme", "--weight", "3", "--max-running", "8")
    run(folder, "tenants", "set", "other", "--max-bytes", "1000", "--requests-per-second", "0.5")
    changed = run(folder, "tenants", "set", "acme", "--weight", "default", "--max-uploads", "0")
    assert changed == "acme  max_running=8 max_uploads=0\n"
    listed = [json.loads(line) for line in run(folder, "tenants", "list", "--json").splitlines()]
    assert listed == [
        {"tenant": "acme", "max_running": 8, "max_uploads": 0},
        {"tenant": "other", "max_bytes": 1000, "requests_per_second": 0.5},
    ]
    for option in ("--max-running", "--max-uploads"):
        run(folder, "tenants", "set", "acme", option, "default")
    assert "acme" not in run(folder, "tenants", "list")


def test_a_change_is_in_the_audit_trail(folder: Path) -> None:
    run(folder, "tenants", "set", "acme", "--weight", "3")
    (entry,) = [json.loads(line) for line in run(folder, "audit", "--json").splitlines()]
    assert (entry["action"], entry["object"], entry["detail"], entry["address"]) == (
        "tenant.changed", "acme", "weight=3", "local",
    )  # fmt: skip
    assert entry["tenant"] == "acme"  # so that no other tenant reads of it


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("acme",), 2, "give at least one option"),
        (("acme", "--weight", "0"), 2, "a whole number from 1 on"),
        (("acme", "--max-bytes", "1.5"), 2, "a whole number from 0 on"),
        (("acme", "--max-bytes", str(1 << 63)), 2, "a whole number"),
        (("acme", "--requests-per-second", "0"), 2, "a number above 0"),
        (("Acme!", "--weight", "2"), 1, "is not the name of a tenant"),
    ],
)
def test_what_cannot_be_set_is_refused(
    folder: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in " ".join(run(folder, "tenants", "set", *arguments, code=code).split())
