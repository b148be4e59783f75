"""Build the site of the documents in build/docs/site: `make docs`. No network is used.

The documents stay where they are, so that links work in the repository too. This copies them into
build/docs, with the pages of other folders, turns links to source files into text, builds the site
with Zensical, and checks it: each link has a page and an anchor, and nothing is loaded from
elsewhere.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
STAGED = ROOT / "build/docs"
SITE = STAGED / "site"

ELSEWHERE = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "tests/README.md": "tests.md",
    "tests/chaos/README.md": "chaos.md",
    "shared/README.md": "shared.md",
    "kernel/README.md": "kernel.md",
}
"""Documents outside of docs/, and their names in the site."""

NAVIGATION: dict[str, dict[str, str]] = {
    "Tutorial": {"Ten minutes": "tutorial.md"},
    "How to": {
        "Use the command line and Python": "client.md",
        "Use the JavaScript client": "javascript.md",
        "Use the page": "page.md",
        "Let others use it": "access.md",
        "Operate it": "operations.md",
        "Run it on Kubernetes": "kubernetes.md",
        "Observe it": "observability.md",
        "Contribute": "contributing.md",
        "Run the tests": "tests.md",
        "Run chaos": "chaos.md",
    },
    "Reference": {
        "HTTP API": "api.md",
        "Aggregations": "aggregation.md",
        "Input files": "csv.md",
        "Reports and warnings": "report.md",
        "States of a job": "job_states.md",
        "Retention": "retention.md",
        "Glossary": "glossary.md",
        "Changes": "changelog.md",
    },
    "Explanation": {
        "Architecture": "architecture.md",
        "Guarantees": "reliability.md",
        "Security": "security.md",
        "Performance": "performance.md",
        "The kernel": "kernel.md",
        "What services share": "shared.md",
    },
}
"""The parts of Diátaxis (https://diataxis.fr), each with the pages in it. Decisions are added."""

_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^][]*\])*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|(?<=\n\n)(?:    [^\n]*\n)+", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Build and check the site. Exits with 1 and the findings if there are some."""
    stage()
    zensical = Path(sys.executable).with_name("zensical")
    built = subprocess.run(
        [zensical, "build", "--strict", "--clean"],
        cwd=STAGED,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    found = [built.stdout, built.stderr] if built.returncode else findings(SITE)
    if found:
        sys.exit("\n".join(found))
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}")


def documents() -> dict[Path, str]:
    """Return the documents, and their names in the site."""
    docs = ROOT / "docs"
    own = {path: path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md"))}
    return {**{ROOT / name: target for name, target in ELSEWHERE.items()}, **own}


def stage() -> None:
    """Make the folder from which the site is built."""
    shutil.rmtree(STAGED, ignore_errors=True)
    pages = STAGED / "pages"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("*.md"))
    known = documents()
    for path, target in known.items():
        page = pages / target
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(with_links(path.read_text(encoding="utf-8"), path, known), encoding="utf-8")
    decisions = sorted(target for target in known.values() if target.startswith("decisions/"))
    titles = {target: _title(pages / target) for target in decisions}
    lines = [f"- [{title}]({Path(target).name})" for target, title in titles.items()]
    (pages / "decisions/index.md").write_text("# Decisions\n\n" + "\n".join(lines) + "\n")
    (STAGED / "zensical.toml").write_text(configuration(titles), encoding="utf-8")


def with_links(text: str, path: Path, known: dict[Path, str]) -> str:
    """Return a document with links to pages of the site; those to other files become text."""
    own = known[path]

    def changed(link: re.Match[str]) -> str:
        image, shown, target = link.groups()
        name, mark, anchor = target.partition("#")
        if not name or "://" in target:
            return link[0]
        found = (path.parent / name).resolve()
        if found in known:
            aim = known[found]
        elif found == ROOT / "docs/decisions":
            aim = "decisions/index.md"
        elif found.is_relative_to(ROOT / "docs"):
            aim = found.relative_to(ROOT / "docs").as_posix()
        else:
            return shown
        return f"{image}[{shown}]({posixpath.relpath(aim, posixpath.dirname(own))}{mark}{anchor})"

    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_LINK.sub(changed, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join((*parts, _LINK.sub(changed, text[end:])))


def configuration(decisions: dict[str, str]) -> str:
    """Return the configuration of Zensical. Fonts are those of the reader: none is loaded."""
    nav: list[dict[str, object]] = [{"csvmill": "index.md"}]
    for part, pages in NAVIGATION.items():
        entries: list[dict[str, object]] = [{title: page} for title, page in pages.items()]
        if part == "Explanation":
            made: list[object] = ["decisions/index.md", *({t: p} for p, t in decisions.items())]
            entries.append({"Decisions": made})
        nav.append({part: entries})
    return f"""\
[project]
site_name = "csvmill"
site_description = "Aggregates CSV files that are larger than memory"
docs_dir = "pages"
site_dir = "{SITE.name}"
use_directory_urls = false
nav = {_toml(nav)}

[project.theme]
font = false
features = ["content.code.copy", "navigation.sections", "navigation.top", "toc.follow"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"

[project.markdown_extensions.tables]
[project.markdown_extensions.md_in_html]
[project.markdown_extensions.toc]
permalink = true
slugify = {{ object = "pymdownx.slugs.slugify", kwds = {{ case = "lower" }} }}
[project.markdown_extensions.pymdownx.highlight]
[project.markdown_extensions.pymdownx.superfences]
"""


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""By element, the attribute that names what a browser loads."""


class Page(HTMLParser):
    """The anchors of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element says."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(filter(None, (values.get("id"), values.get("name"))))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif (address := values.get(LOADED.get(tag, ""))) and values.get("rel") != "canonical":
            self.loaded.append(address)


def findings(site: Path) -> list[str]:
    """Return what is wrong: links without a target, and what is loaded from elsewhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    wrong = [] if pages else ["the site has no pages"]
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links begin at the root of the site
        for address in (*page.links, *page.loaded):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "mailto", "data"):
                if address in page.loaded and parts.scheme != "data":
                    wrong.append(f"{path.relative_to(site)} loads {address}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.exists():
                wrong.append(f"{path.relative_to(site)}: no file {address}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                wrong.append(f"{path.relative_to(site)}: no anchor {address}")
    return wrong


if __name__ == "__main__":
    main()
