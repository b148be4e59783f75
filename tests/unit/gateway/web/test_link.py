"""Joined modules behave as the modules that they are made of."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from gateway.web.link import JOINED, STYLES, NotLinkable, in_order, joined, styles_of

if TYPE_CHECKING:
    from pathlib import Path

MODULES = {
    "app.js": """\
import "./side.js";
import { Counter, counted as total } from "./core/counter.js";
import * as words from "./core/words.js";
import {
  greet,
} from "./core/words.js";

// export function inAComment() {}
globalThis.log.push(`app ${greet("app")} ${words.SIGN} ${total()} ${new Counter().next()}`);
globalThis.later = () => import("./views/late.js");
globalThis.home = () => import("./home/view.js");
""",
    "side.js": 'globalThis.log.push("side");\n',
    "core/counter.js": """\
let count = 0;
const SIGN = "private";

/** Counts. */
export class Counter {
  next() {
    count += 1;
    return `${SIGN}${count}`;
  }
}

export function counted() {
  return count;
}
""",
    "core/words.js": """\
import { counted } from "./counter.js";

export const SIGN = "public";
export async function slow() {
  return counted();
}
export const greet = (name) => {
  return `hello ${name}`;
};
export function* letters() {
  yield* "ab";
}
globalThis.log.push(new URL("x.css", import.meta.url).pathname.split("/").slice(-2).join("/"));
""",
    STYLES: """\
export function needStyle(name) {
  globalThis.log.push(`style ${name}`);
}
""",
    "core/types.js": "/** @typedef {number} Size */\n\nexport {};\n",
    "home/view.js": """\
import { Counter } from "../core/counter.js";
import { SIGN } from "../core/words.js";
import "../core/types.js";

globalThis.log.push(`home ${SIGN} ${new Counter().next()}`);
""",
    "views/late.js": """\
import { Counter } from "../core/counter.js";
import { letters, slow } from "../core/words.js";
import { help } from "./helper.js";

const seen = [new Counter().next(), slow() instanceof Promise, ...letters(), help()];
globalThis.log.push(`late ${seen}`);
export const late = 1;
""",
    "views/helper.js": """\
import { deep } from "./deep.js";
import { counted } from "../core/counter.js";

globalThis.log.push("helper");
export const help = () => deep() + counted();
""",
    "views/deep.js": 'globalThis.log.push("deep");\nexport const deep = () => 100;\n',
}
FIRST = ("app.js", "home/view.js", STYLES)
RUN = """
globalThis.log = [];
await import(process.argv[1]);
await import(process.argv[2]);
log.push(Object.keys(await later()), (await later()) === (await later()));
await home();
const { Counter } = await import(process.argv[3]);
log.push(new Counter().next());
console.log(JSON.stringify(log));
"""
"""Loads the page at the first two addresses, another view, and a module by its own address."""


def linked(modules: dict[str, str] = MODULES) -> dict[str, str]:
    return joined(modules, in_order(modules, FIRST))


def ran(folder: Path, modules: dict[str, str], *addresses: str) -> Any:
    """Run modules by Node.js; return what they logged."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    for name, code in {"package.json": '{"type": "module"}', **modules}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    done = subprocess.run(
        [node, "--input-type=module", "-e", RUN, *(str(folder / each) for each in addresses)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_joined_modules_do_what_the_modules_do_in_the_same_order(tmp_path: Path) -> None:
    apart = ran(tmp_path / "apart", MODULES, "app.js", "home/view.js", "core/counter.js")
    together = ran(tmp_path / "together", linked(), JOINED, JOINED, "core/counter.js")
    assert together == apart
    assert len(apart) == 10


def test_a_worker_is_one_module_that_shares_nothing_with_the_page() -> None:
    modules = {
        **MODULES,
        "views/deep.js": """\
export const start = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
""",
        "views/worker.js": """\
import { help } from "./inner.js";

export const SIGN = help;
globalThis.log.push(import.meta.url);
""",
        "views/inner.js": """\
import { Counter } from "../core/counter.js";

export const help = () => new Counter();
""",
        "views/helper.js": "export const help = () => 1;\n",
    }
    sent = linked(modules)["views/worker.js"]
    found = re.findall(r"^// (.*)$", sent, re.MULTILINE)
    assert found == ["core/counter.js", "views/inner.js", "views/worker.js"]
    assert JOINED not in sent
    assert "import " not in sent
    assert 'new URL("./worker.js", import.meta.url).href' in sent


def test_modules_of_two_versions_do_not_work_together_by_chance(tmp_path: Path) -> None:
    """An old tab asks a new service for a view, whose modules may have changed places."""
    old = linked()
    new = linked({**MODULES, "core/another.js": "export const another = 1;\n"})
    mixed = {**new, **{name: old[name] for name in (JOINED, "core/counter.js")}}
    with pytest.raises(AssertionError, match="does not provide an export named"):
        ran(tmp_path, mixed, JOINED, JOINED, "core/counter.js")


def test_the_joined_module_imports_nothing() -> None:
    first = linked()[JOINED]
    assert "\nimport " not in first
    for name in in_order(MODULES, FIRST):
        assert f"// {name}\n" in first
    for name in ("views/late.js", "views/helper.js"):
        assert f"// {name}" not in first


def test_jsdoc_is_not_sent_and_other_comments_are() -> None:
    code = """\
/** One line. */
/**
 * Several, with a star ** and a slash / in them.
 * @param {string} x
 */
export const late = (x) => {
  /** @type {string} */
  const text = x; /** kept: it stands behind code */
  // kept
  return `${text} /** kept */`; /* kept */
};
"""
    sent = linked({**MODULES, "views/unused.js": code})
    assert (
        sent["views/unused.js"]
        == """\
export const late = (x) => {
  const text = x; /** kept: it stands behind code */
  // kept
  return `${text} /** kept */`; /* kept */
};
"""
    )
    deep = linked({**MODULES, "views/deep.js": f"{code}export const deep = () => 100;\n"})
    assert "@param" not in deep["views/late.js"]
    assert "// kept" in deep["views/late.js"]


def test_a_view_is_one_module_with_what_only_it_needs() -> None:
    sent = linked()["views/late.js"]
    found = re.findall(r"^// (\S+)$", sent, re.MULTILINE)
    assert found == ["views/deep.js", "views/helper.js", "views/late.js"]
    assert re.findall(r'^import .* from "(.*)";$', sent, re.MULTILINE) == ["../start.js"]


def test_what_several_views_need_is_one_module_that_is_asked_for_with_the_view() -> None:
    modules = {
        **MODULES,
        "app.js": MODULES["app.js"] + 'globalThis.other = () => import("./views/other.js");\n',
        "views/other.js": 'import { deep } from "./deep.js";\n\nexport const other = deep;\n',
    }
    sent = linked(modules)
    assert "// views/deep.js" in sent["shared-1.js"]
    assert "// views/deep.js" not in sent["views/late.js"] + sent["views/other.js"]
    assert 'Promise.all([import("./views/late.js"), import("./shared-1.js")])' in sent[JOINED]


def test_modules_come_after_what_they_import() -> None:
    assert in_order(MODULES, FIRST) == [
        "side.js", "core/counter.js", "core/words.js", "app.js", "core/types.js", "home/view.js",
        STYLES,
    ]  # fmt: skip


def test_styles_that_a_module_waits_for_are_found_and_left_out_of_the_joined_one() -> None:
    view = 'await needStyle("home");\n' + MODULES["home/view.js"]
    assert styles_of(view) == ["home"]
    assert 'needStyle("home")' not in linked({**MODULES, "home/view.js": view})[JOINED]


def test_styles_of_a_view_are_loaded_before_its_modules_run(tmp_path: Path) -> None:
    needs = 'import { needStyle } from "../core/style.js";\n\nawait needStyle("deep");\n'
    modules = {**MODULES, "views/deep.js": needs + MODULES["views/deep.js"]}
    log = ran(tmp_path, linked(modules), JOINED, JOINED, "core/counter.js")
    assert log.index("style deep") < log.index("deep")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("home/view.js", "export default 1;\n", "export default"),
        ("home/view.js", "export let x = 1;\n", "export let"),
        ("home/view.js", "await fetch('x');\n", "await fetch"),
        ("views/deep.js", "await fetch('x');\n", "await fetch"),
        ("home/view.js", 'import x from "../side.js";\n', "import x"),
        ("home/view.js", 'import { x } from "elsewhere";\n', "elsewhere"),
        ("home/view.js", 'import "./missing.js";\n', r"home/missing\.js, which is missing"),
        ("side.js", 'import "./app.js";\n', "imports itself"),
    ],
)
def test_what_cannot_be_joined_is_refused(name: str, code: str, message: str) -> None:
    with pytest.raises(NotLinkable, match=message):
        linked({**MODULES, name: code})
