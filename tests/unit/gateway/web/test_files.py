"""The files of the page: their version, their addresses, and what is loaded at once."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.web import files
from gateway.web.files import page, read_page
from gateway.web.link import NotLinkable, in_order

FOLDER = Path(files.__file__).parent / "page"
MOST_COMPRESSED = 150_000
"""Bytes of the first view, compressed (issue 16)."""
PARSE = """
import { readFileSync } from "node:fs";
import { SourceTextModule } from "node:vm";
const modules = Object.entries(JSON.parse(readFileSync(0, "utf8")));
for (const [name, code] of modules) new SourceTextModule(code, { identifier: name });
console.log(JSON.stringify(modules.map(([name]) => name)));
"""
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
        "core/x.js": 'import "../side.js";\nimport {\n  y,\n} from "./y.js";\nexport const x = 1;',
        "core/y.js": 'export const y = "from ./late.js";\n',
        "core/style.js": "export const needStyle = 1;\n",
        "side.js": "",
        "late.js": 'await needStyle("late");\n',
        "home/view.js": 'import { y } from "../core/y.js";\n\nawait needStyle("home");\n',
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
    assert f'src="page/{read.version}/start.js"' in html
    assert '<a href="docs">page/</a>' in html


def test_what_the_first_view_imports_is_one_module_and_nothing_else_is_loaded(folder: Path) -> None:
    read = read_page(folder)
    html = read.html.plain.decode()
    assert re.findall(r'<script[^>]*src="page/\w+/([^"]+)"', html) == ["start.js"]
    joined = read.files["start.js"].plain.decode()
    found = re.findall(r"^// (\S+)$", joined, re.MULTILINE)
    assert sorted(found) == [
        "app.js", "core/style.js", "core/x.js", "core/y.js", "home/view.js", "side.js",
    ]  # fmt: skip


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
    with pytest.raises(NotLinkable, match=r"side\.js"):
        read_page(folder)


def test_other_files_are_not_sent(folder: Path) -> None:
    assert "notes.md" not in read_page(folder).files


def test_every_file_of_the_page_is_one_that_is_sent() -> None:
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    made = {name for name in page().files if re.fullmatch(r"start\.js|shared-\d+\.js", name)}
    assert {*page().files, "index.html"} == {*there, *made}


def test_every_module_imports_modules_that_exist() -> None:
    modules = {str(each.relative_to(FOLDER)): each.read_text() for each in FOLDER.rglob("*.js")}
    assert set(in_order(modules, modules)) == set(modules)
    for name, code in modules.items():
        for address in re.findall(r'\bimport\("(\.[^"]+)"\)', code):
            assert (FOLDER / name).parent.joinpath(address).is_file(), name


def test_every_module_that_is_sent_is_valid_javascript() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    modules = {name: file.plain.decode() for name, file in page().files.items()
               if name.endswith(".js")}  # fmt: skip
    done = subprocess.run(
        [node, "--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", PARSE],
        input=json.dumps(modules), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)) == sorted(modules)


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
