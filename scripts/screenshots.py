"""Make the pictures of docs/page: each view of the page, in light and dark colours and on a phone.

    python -m scripts.screenshots [--only home ask] [--look light dark phone] [--png FOLDER]

Starts the service with a folder of its own, and prepares real files and jobs. Pictures are WebP
files of docs/page; with `--png` they are PNG files in another folder, to look at. Needs Chromium,
and the packages of the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.web.chromium import Chromium
from tests.web.service import Service
from tests.web.views import VIEWS, Gallery

if TYPE_CHECKING:
    from collections.abc import Collection

    from playwright.async_api import Page, ViewportSize

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs/page"
QUALITY = 82
LEFT_OUT = {"no-jobs", "unknown", "job-missing"}
"""Views that need no picture in the documentation."""
PICTURED = [view for view in VIEWS if view not in LEFT_OUT]


@dataclass(frozen=True)
class Look:
    """How a view is shown."""

    scheme: str
    viewport: ViewportSize


LOOKS = {
    "light": Look("light", {"width": 1200, "height": 800}),
    "dark": Look("dark", {"width": 1200, "height": 800}),
    "phone": Look("light", {"width": 390, "height": 844}),
}


async def picture(page: Page, path: Path) -> None:
    """Write what the window shows: as WebP, or as PNG if the path says so."""
    if path.suffix == ".png":
        await page.screenshot(path=path)
        return
    devtools = await page.context.new_cdp_session(page)
    answer = await devtools.send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "optimizeForSpeed": False}
    )
    await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))
    await devtools.detach()


async def make(folder: Path, suffix: str, views: Collection[str], looks: Collection[str]) -> None:
    """Make the pictures of these views in these looks."""
    with tempfile.TemporaryDirectory(prefix="csvmill-screenshots-") as name:
        service = Service(Path(name) / "service")
        await service.start()
        try:
            async with Chromium() as chromium, Gallery(service, Path(name)) as gallery:
                for look in looks:
                    browser = await chromium.browser()
                    for view in views:
                        context = await browser.new_context(
                            viewport=LOOKS[look].viewport,
                            color_scheme=LOOKS[look].scheme,  # type: ignore[arg-type]  # a literal
                            reduced_motion="reduce",
                        )
                        page = await context.new_page()
                        await VIEWS[view](gallery, page)
                        path = folder / f"{view}-{look}{suffix}"
                        await picture(page, path)
                        print(f"{path.stat().st_size / 1000:6.1f} kB  {path}")
                        await context.close()
        finally:
            await service.kill()


def main() -> None:
    """Make all pictures, or those that the options name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=VIEWS, default=PICTURED, metavar="VIEW")
    parser.add_argument("--look", nargs="+", choices=LOOKS, default=list(LOOKS))
    parser.add_argument("--png", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    folder = options.png or PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    suffix = ".png" if options.png else ".webp"
    asyncio.run(make(folder, suffix, options.only, options.look))


if __name__ == "__main__":
    main()
