"""Debian's Firefox, driven by WebDriver BiDi.

Playwright drives a Firefox of its own build only: it sends commands that Debian's lacks.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from contextlib import AsyncExitStack, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest

from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

NAMES = ("firefox-esr", "firefox")
START_TIMEOUT = 60.0
TIMEOUT = 30.0
_LISTENS = re.compile(r"WebDriver BiDi listening on (?P<url>ws://\S+)")
PREFERENCES = """
user_pref("app.update.enabled", false);
user_pref("browser.download.dir", "{downloads}");
user_pref("browser.download.folderList", 2);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
user_pref("toolkit.telemetry.enabled", false);
"""


class Firefox:
    """A Firefox with one tab. Its profile and its downloads are in `folder`."""

    def __init__(self, folder: Path) -> None:
        program = next((path for name in NAMES if (path := shutil.which(name))), None)
        if program is None:
            pytest.skip("Firefox is not installed; on Debian: apt-get install firefox-esr")
        self.downloads = folder / "downloads"
        self.faults: list[str] = []
        """Errors in the console and uncaught exceptions."""
        profile = folder / "profile"
        profile.mkdir(parents=True)
        self.downloads.mkdir()
        (profile / "user.js").write_text(PREFERENCES.format(downloads=self.downloads))
        self._process = OwnedProcess(
            [program, "--headless", "--no-remote", "--profile", str(profile),
             "--remote-debugging-port", "0", "about:blank"],
            log_path=folder / "firefox.log",
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )  # fmt: skip
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tab = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            opened.push_async_callback(asyncio.to_thread, self._process.destroy)
            found = await asyncio.to_thread(
                self._process.wait_for_line, _LISTENS, timeout=START_TIMEOUT
            )
            session = await opened.enter_async_context(aiohttp.ClientSession())
            self._socket = await session.ws_connect(f"{found['url']}/session", max_msg_size=0)
            reader = asyncio.create_task(self._read())
            opened.push_async_callback(_cancel, reader)
            await self.send("session.new", capabilities={})
            await self.send("session.subscribe", events=["log.entryAdded"])
            tree = await self.send("browsingContext.getTree")
            self._tab = tree["contexts"][0]["context"]
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def send(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command, and return its result. Fails if the browser reports an error."""
        number = next(self._numbers)
        coming = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(TIMEOUT):
            answer = await coming
        assert answer["type"] == "success", f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> None:
        """Open a page, and return when it is loaded."""
        await self.send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Return the JSON of what an expression of JavaScript gives, or what its promise gives."""
        answer = await self.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    async def wait_for(self, expression: str) -> Any:
        """Return what the expression gives as soon as it is true; it is checked in each frame."""
        return await self.evaluate(
            f"""new Promise((resolve) => {{
                const look = () => {{
                    const found = {expression};
                    if (found) resolve(found); else setTimeout(look, 50);
                }};
                look();
            }})"""
        )

    async def click(self, role: str, name: str) -> None:
        """Press the mouse's button over the first element of this role and accessible name."""
        node = await self._find({"type": "accessibility", "value": {"role": role, "name": name}})
        await self.send(
            "script.callFunction",
            functionDeclaration="(element) => element.scrollIntoView({block: 'center'})",
            arguments=[{"sharedId": node}],
            target={"context": self._tab},
            awaitPromise=False,
        )
        origin = {"type": "element", "element": {"sharedId": node}}
        await self.send(
            "input.performActions",
            context=self._tab,
            actions=[
                {
                    "type": "pointer",
                    "id": "mouse",
                    "actions": [
                        {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
                        {"type": "pointerDown", "button": 0},
                        {"type": "pointerUp", "button": 0},
                    ],
                }
            ],
        )

    async def choose(self, selector: str, *paths: Path) -> None:
        """Choose files in the first input that matches a selector of CSS."""
        node = await self._find({"type": "css", "value": selector})
        await self.send(
            "input.setFiles",
            context=self._tab,
            element={"sharedId": node},
            files=[str(path) for path in paths],
        )

    async def _find(self, locator: dict[str, object]) -> str:
        async with asyncio.timeout(TIMEOUT):
            while True:
                found = await self.send(
                    "browsingContext.locateNodes",
                    context=self._tab,
                    locator=locator,
                    maxNodeCount=1,
                )
                if found["nodes"]:
                    node: str = found["nodes"][0]["sharedId"]
                    return node
                await asyncio.sleep(0.1)

    async def _read(self) -> None:
        async for message in self._socket:
            event = json.loads(message.data)
            if "id" in event:
                self._answers.pop(event["id"]).set_result(event)
            elif event["method"] == "log.entryAdded" and event["params"]["level"] == "error":
                self.faults.append(event["params"]["text"])


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
