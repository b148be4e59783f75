"""The site of the documents: every page is in its navigation, and its links are checked."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts import docs_site

ROOT = Path(__file__).parents[2]


def test_every_document_has_one_place_in_the_navigation() -> None:
    listed = [page for pages in docs_site.NAVIGATION.values() for page in pages.values()]
    assert len(listed) == len(set(listed))
    known = {name for name in docs_site.documents().values() if not name.startswith("decisions/")}
    assert set(listed) | {"index.md"} == known


def test_documents_are_where_the_site_expects_them() -> None:
    assert all(path.is_file() for path in docs_site.documents())


def test_links_lead_to_pages_of_the_site_and_those_to_source_files_are_text() -> None:
    known = docs_site.documents()
    text = """\
[a](client.md), [b](../README.md#run-it), [`c`](../SECURITY.md), [d](decisions/0001-test-servers.md)
[e](../gateway/settings.py) ![f](data-flow.svg) [g](https://example.com/x) [h](#here)

    [not](../changed.py)

```console
$ echo '[not](../changed.py)'
```
"""
    expected = """\
[a](client.md), [b](index.md#run-it), [`c`](security.md), [d](decisions/0001-test-servers.md)
e ![f](data-flow.svg) [g](https://example.com/x) [h](#here)

    [not](../changed.py)

```console
$ echo '[not](../changed.py)'
```
"""
    assert docs_site.with_links(text, ROOT / "docs/api.md", known) == expected
    decision = docs_site.with_links(
        "[a](../api.md) [b](0002-x.py)", ROOT / "docs/decisions/0001-test-servers.md", known
    )
    assert decision == "[a](../api.md) [b](0002-x.py)"
    readme = docs_site.with_links("[a](docs/decisions/)", ROOT / "README.md", known)
    assert readme == "[a](decisions/index.md)"


def test_the_configuration_is_toml_and_loads_no_font() -> None:
    project = tomllib.loads(docs_site.configuration({"decisions/0001.md": 'A "title"'}))["project"]
    assert project["theme"]["font"] is False
    (first, *parts) = project["nav"]
    assert first == {"csvmill": "index.md"}
    assert [next(iter(part)) for part in parts] == list(docs_site.NAVIGATION)
    (*_, decisions) = parts[-1]["Explanation"]
    assert decisions["Decisions"] == ["decisions/index.md", {'A "title"': "decisions/0001.md"}]


def test_broken_links_and_what_is_loaded_from_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="here">B</h1><a href="a.html">a</a>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">1</a><a href="b.html#there">2</a><a href="c.html">3</a>'
        '<a href="https://example.com/">4</a><img src="https://example.com/5.png">'
        '<script src="6.js"></script><link rel="canonical" href="https://example.com/">'
        '<a href="#nowhere">7</a><img src="data:image/png;base64,AA==">'
    )
    assert docs_site.findings(tmp_path) == [
        "a.html: no anchor b.html#there",
        "a.html: no file c.html",
        "a.html: no anchor #nowhere",
        "a.html loads https://example.com/5.png",
        "a.html: no file 6.js",
    ]


def test_a_site_without_pages_is_no_site(tmp_path: Path) -> None:
    assert docs_site.findings(tmp_path) == ["the site has no pages"]
