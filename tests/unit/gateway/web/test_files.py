"""The files of the page: their version, their addresses, and what is loaded at once."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from gateway.web import files
from gateway.web.files import imported, page, read_page

FOLDER = Path(files.__file__).parent / "page"
MOST_COMPRESSED = 150_000
"""Bytes of the first view, compressed (issue 16)."""
HTML = """<!doctype html>
<link rel="icon" href="page/icon.svg">
<link rel="stylesheet" href="page/a.css">
<link rel="stylesheet" href="page/b.css">
<!-- first -->
<script type="module" src="page/app.js"></script>
<a href="docs">page/</a>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = {
        "index.html": HTML,
        "icon.svg": "<svg/>",
        "a.css": "p {}",
        "b.css": "q {}",
        "app.js": 'import { x } from "./core/x.js";\nconst lazy = () => import("./late.js");\n',
        "core/x.js": 'import "../side.js";\nexport {\n  y,\n} from "./y.js";\n',
        "core/y.js": 'export const y = "from ./late.js";\n',
        "side.js": 'import { x } from "./core/x.js";\n',
        "late.js": 'await needStyle("late");',
        "home/view.js": 'import { y } from "../core/y.js";\nawait needStyle("home");\n',
        "styles/home.css": "r {}",
        "styles/late.css": "s {}",
        "notes.md": "not sent",
    }
    for name, text in written.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_html_names_the_files_with_their_version(folder: Path) -> None:
    read = read_page(folder)
    html = read.html.plain.decode()
    assert f'href="page/{read.version}/icon.svg"' in html
    assert f'src="page/{read.version}/app.js"' in html
    assert '<a href="docs">page/</a>' in html


def test_what_the_first_view_imports_is_loaded_at_once_and_nothing_else(folder: Path) -> None:
    read = read_page(folder)
    html = read.html.plain.decode()
    preloaded = re.findall(r'"modulepreload" href="page/\w+/([^"]+)"', html)
    assert sorted(preloaded) == ["app.js", "core/x.js", "core/y.js", "home/view.js", "side.js"]


def test_the_styles_of_the_first_view_are_within_the_html(folder: Path) -> None:
    html = read_page(folder).html.plain.decode()
    assert '<style data-parts="home">p {}q {}r {}</style>' in html
    assert "stylesheet" not in html


def test_a_change_of_any_file_is_another_version(folder: Path) -> None:
    before = read_page(folder).version
    assert read_page(folder).version == before
    for name in ("late.js", "index.html"):
        path = folder / name
        path.write_text(path.read_text() + "\n")
        after = read_page(folder).version
        assert after != before
        before = after


def test_a_module_that_is_missing_is_found_when_the_page_is_read(folder: Path) -> None:
    (folder / "side.js").unlink()
    with pytest.raises(KeyError, match=r"side\.js"):
        read_page(folder)


def test_other_files_are_not_sent(folder: Path) -> None:
    assert "notes.md" not in read_page(folder).files


def test_every_file_of_the_page_is_one_that_is_sent() -> None:
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert {*page().files, "index.html"} == there


def test_every_module_imports_modules_that_exist() -> None:
    contents = {name: file.plain for name, file in page().files.items()}
    modules = tuple(name for name in contents if name.endswith(".js"))
    assert set(imported(contents, modules)) == set(modules)
    lazy = re.compile(rb'\bimport\("(\.[^"]+)"\)')
    for name in modules:
        for match in lazy.finditer(contents[name]):
            assert (FOLDER / name).parent.joinpath(match[1].decode()).is_file(), name


def test_the_page_names_no_other_server_and_runs_nothing_inline() -> None:
    html = page().html.plain.decode()
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=", html)
    assert "url(" not in html, "addresses in styles are relative to their file"
    for name, file in {**page().files, "index.html": page().html}.items():
        found = set(re.findall(r"\b(?:https?|wss?):\\?/\\?/[^\s\"'`<>)]+", file.plain.decode()))
        assert found <= {"http://www.w3.org/2000/svg"}, name


def test_every_address_in_the_html_is_relative() -> None:
    for address in re.findall(r'(?:href|src)="([^"]*)"', page().html.plain.decode()):
        assert not address.startswith(("/", "http"))


def test_the_first_load_is_small() -> None:
    html = page().html
    first = re.findall(r'(?:href|src)="page/\w+/([^"]+)"', html.plain.decode())
    size = len(html.gzipped) + sum(len(page().files[name].gzipped) for name in set(first))
    assert size <= MOST_COMPRESSED


def test_the_compressed_bytes_are_those_of_the_file() -> None:
    for file in (page().html, *page().files.values()):
        assert gzip.decompress(file.gzipped) == file.plain
