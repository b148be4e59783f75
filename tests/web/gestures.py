"""How a person gives files to a page, and how the page keeps files of its own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page


async def drop(target: Locator, *paths: Path) -> None:
    """Drag files of the disk over the middle of an element and let go, as a mouse does."""
    await target.scroll_into_view_if_needed()
    box = await target.bounding_box()
    assert box is not None, "the element that files are dropped on is not visible"
    devtools = await target.page.context.new_cdp_session(target.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        await devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + box["height"] / 2,
                "data": {"items": [], "files": [str(p) for p in paths], "dragOperationsMask": 1},
            },
        )
    await devtools.detach()


async def choose(button: Locator, *paths: Path) -> None:
    """Activate what opens the file chooser of the browser, and choose files."""
    async with button.page.expect_file_chooser() as opened:
        await button.click()
    chooser = await opened.value
    await chooser.set_files(list(paths))


async def offer_handles(page: Page, *paths: Path) -> None:
    """Let `showOpenFilePicker` return handles of copies of small files, in the page's own storage.

    The browser's dialog cannot be operated by a test. The handles are real: they can be kept in
    IndexedDB and opened after a reload. Call this before the page is opened.
    """
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    await page.add_init_script(
        """(() => {
            const files = FILES;
            window.showOpenFilePicker = async () => {
                const folder = await navigator.storage.getDirectory();
                return Promise.all(files.map(async ([name, text]) => {
                    const handle = await folder.getFileHandle(name, {create: true});
                    if ((await handle.getFile()).size === 0) {
                        const stream = await handle.createWritable();
                        await stream.write(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
                        await stream.close();
                    }
                    return handle;
                }));
            };
        })()""".replace("FILES", repr(files))
    )


async def accept_saves(page: Page) -> None:
    """Let `showSaveFilePicker` return a handle of a file in the page's own storage.

    `saved` reads such a file. Call this before the page is opened.
    """
    await page.add_init_script(
        """window.showSaveFilePicker = async (options = {}) => {
            const folder = await navigator.storage.getDirectory();
            return folder.getFileHandle(options.suggestedName ?? "saved", {create: true});
        }"""
    )


async def refuse_pickers(page: Page) -> None:
    """Take the pickers of File System Access away, as in Firefox and Safari."""
    await page.add_init_script(
        "delete window.showOpenFilePicker; delete window.showSaveFilePicker;"
        "delete DataTransferItem.prototype.getAsFileSystemHandle;"
    )


async def saved(page: Page, name: str) -> bytes:
    """Return what the page wrote into its own file `name`."""
    text: str = await page.evaluate(
        """async (name) => {
            const folder = await navigator.storage.getDirectory();
            const file = await (await folder.getFileHandle(name)).getFile();
            const bytes = new Uint8Array(await file.arrayBuffer());
            let text = "";
            for (let at = 0; at < bytes.length; at += 8192)
                text += String.fromCharCode(...bytes.subarray(at, at + 8192));
            return btoa(text);
        }""",
        name,
    )
    return base64.b64decode(text)
