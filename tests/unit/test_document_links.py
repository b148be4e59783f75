"""The targets of links, anchors and paths in the documents exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "shared/README.md",
    ROOT / "tests/README.md",
    ROOT / "tests/chaos/README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
CURRENT = [document for document in DOCUMENTS if document.parent.name != "decisions"]
"""Documents that describe the current tree. Decisions also name earlier files."""
OF_THE_MACHINE = ("deploy/secrets", "deploy/tls", "deploy/internal-tls")
"""Folders that the operator creates, which are not committed."""
SERVED = ROOT / "gateway/web/page"
"""The folder of the scripts that the gateway serves, such as `csvmill.js`."""
TOP_FOLDERS = "gateway|storage|processor|shared|csvmill|tests|docs|deploy|scripts|benchmarks"
MODULE = re.compile(rf"`((?:{TOP_FOLDERS})(?:\.\w+)+)`")
PATH = re.compile(rf"`((?:{TOP_FOLDERS})/[\w/.-]*)`")


def prose(document: Path) -> str:
    """Return the text of a document without its code blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub derives from the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.M)
    texts = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_has_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_exists(document: Path) -> None:
    for path in PATH.findall(prose(document)):
        assert path.startswith(OF_THE_MACHINE) or (ROOT / path).exists(), path


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_exists(document: Path) -> None:
    for name in MODULE.findall(prose(document)):
        if name.startswith("csvmill.jobs."):
            continue  # a queue
        path = ROOT.joinpath(*name.split("."))
        # The last part may be a name that the module defines.
        modules = (path, path.with_suffix(".py"), path.parent.with_suffix(".py"))
        candidates = (*modules, SERVED / name)
        assert any(candidate.exists() for candidate in candidates), name


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    code = text.partition("\n## The code\n")[2].partition("\n## ")[0]
    for service in ("gateway", "storage", "processor", "shared", "csvmill"):
        for package in (ROOT / service).iterdir():
            if (package / "__init__.py").exists():
                assert re.search(rf"\b{package.name}/", code), f"{service}/{package.name}"
