"""The files and rows of `python -m benchmarks.engines`."""

import ast
import csv
from pathlib import Path

import pytest

from benchmarks.engines import data, peers
from benchmarks.engines.rows import KINDS, ROWS, SPECS, Row
from benchmarks.engines.runner import PEERS
from shared.aggregation.json_reader import read_aggregation
from shared.aggregation.resolve import resolve


@pytest.mark.parametrize("name", data.FILES)
def test_a_file_has_its_columns_and_the_same_bytes_each_time(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "BLOCK", 100)
    rows = 210
    first = data.written(name, rows, tmp_path)
    with first.open(encoding="utf-8", newline="") as file:
        header, *records = csv.reader(file)
    assert header == list(data.FILES[name].columns)
    assert len(records) == rows
    assert {len(record) for record in records} == {len(header)}
    content = first.read_bytes()
    first.unlink()
    assert data.written(name, rows, tmp_path).read_bytes() == content


def test_every_row_of_own_groups_has_another_song(tmp_path: Path) -> None:
    path = data.written("own_groups", 10_000, tmp_path)
    songs = {line.partition(",")[0] for line in path.read_text().splitlines()[1:]}
    assert len(songs) == 10_000


def test_a_file_of_another_size_than_the_page_tells_is_refused(tmp_path: Path) -> None:
    file = data.FILES["quoted"]
    (tmp_path / f"quoted-{file.rows}.csv").write_bytes(b"Song\n")
    with pytest.raises(RuntimeError, match=f"5 bytes instead of {file.size}"):
        data.written("quoted", file.rows, tmp_path)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_fits_its_file_and_the_kinds_of_its_result(row: Row) -> None:
    aggregation = read_aggregation(SPECS[row.query], "spec")
    query = resolve(aggregation, list(data.FILES[row.file].columns))
    assert len(query.names) == len(KINDS[row.query])


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_has_a_query_for_each_spec(peer: str) -> None:
    # Read, not imported: the peers are not installed here.
    tree = ast.parse(Path(peers.__path__[0], f"{peer}.py").read_text())
    queries = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and "QUERIES" in {getattr(name, "id", "") for name in ast.walk(node)}
    )
    assert isinstance(queries, ast.Dict)
    assert [ast.literal_eval(key) for key in queries.keys if key] == list(SPECS)
