"""Every test that docs/reliability.md names as a proof exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISES = re.split(r"^## (?=\d+\. )", (ROOT / "docs/reliability.md").read_text(), flags=re.M)[1:]
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_promise_names_existing_tests() -> None:
    assert [int(promise.partition(".")[0]) for promise in PROMISES] == list(range(1, 11))
    for promise in PROMISES:
        proofs = PROOF.findall(promise)
        assert proofs, promise
        for path, name in proofs:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.M), name
