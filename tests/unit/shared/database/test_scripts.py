from __future__ import annotations

import re

import pytest

from shared.database.scripts import AFTER, load_migrations, load_queries, split_statements


def test_statements_end_at_semicolons_outside_of_strings_and_comments() -> None:
    script = """
-- A comment; with a semicolon
CREATE TABLE a (
    b TEXT DEFAULT ';'  -- and another;
);
INSERT INTO a (b) VALUES ('one;
two;');
-- The end;
"""
    create, insert = split_statements(script)
    assert create.startswith("-- A comment")
    assert create.endswith(");")
    assert "DEFAULT ';'" in create
    assert insert == "INSERT INTO a (b) VALUES ('one;\ntwo;');"


def test_an_unterminated_statement_is_refused() -> None:
    with pytest.raises(ValueError, match=r"does not end in ';': 'SELECT 2'"):
        split_statements("SELECT 1;\nSELECT 2\n")


def test_a_script_of_comments_has_no_statements() -> None:
    assert split_statements("-- nothing\n\n-- here\n") == ()


def test_every_query_is_one_statement_under_its_name() -> None:
    queries = load_queries()
    assert "UPDATE jobs SET lease_until" in queries["heartbeat"]
    assert all(statement.count(";") == 1 for statement in queries.values())


def test_migrations_are_in_the_order_of_their_numbers_and_carry_their_checksum() -> None:
    migrations = load_migrations()
    numbers = [migration.version for migration in migrations]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    assert migrations[0].name == "0001_jobs"
    assert all(len(migration.checksum) == 64 for migration in migrations)
    assert "CREATE TABLE jobs" in migrations[0].statements[0]


ADDS = re.compile(
    r"""CREATE\ TABLE\b .* | CREATE\ INDEX\b .*
    | ALTER\ TABLE\ \w+\ ADD\ COLUMN\ (?! .* NOT\ NULL (?! .* DEFAULT )) .*""",
    re.VERBOSE | re.DOTALL,
)


@pytest.mark.parametrize(
    ("statement", "adds"),
    [
        ("ALTER TABLE jobs ADD COLUMN x TEXT;", True),
        ("ALTER TABLE jobs ADD COLUMN x INTEGER NOT NULL DEFAULT 0;", True),
        ("ALTER TABLE jobs ADD COLUMN x INTEGER NOT NULL;", False),
        ("ALTER TABLE jobs DROP COLUMN x;", False),
        ("ALTER TABLE jobs RENAME COLUMN x TO y;", False),
        ("CREATE UNIQUE INDEX x ON jobs (filename);", False),
        ("DROP TABLE jobs;", False),
    ],
)
def test_additive_migrations_are_distinguished_from_others(statement: str, adds: bool) -> None:
    assert bool(ADDS.fullmatch(statement)) == adds


def test_a_migration_that_is_not_named_after_only_adds() -> None:
    _, *others = load_migrations()
    assert others
    for migration in others:
        if not migration.name.endswith(AFTER):
            for statement in migration.statements:
                bare = re.sub(r"^--.*\n", "", statement, flags=re.MULTILINE).strip()
                # A column that may be NULL may have a constraint.
                bare = re.sub(r"\s+CONSTRAINT \w+\s+CHECK.*", ";", bare, flags=re.DOTALL)
                assert ADDS.fullmatch(bare), f"{migration.name}: {bare}"
