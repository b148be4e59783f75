"""The settings: saved specs, the secret of webhooks, and notifications."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.asking import open_with
from tests.web.files import sales
from tests.web.looking import PHONE
from tests.webhooks import REACHABLE, Receiver

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

SPEC = {"group_by": ["region"], "aggregates": [{"function": "sum", "column": "amount"}]}


async def open_settings(page: Page, service: Service) -> None:
    await page.goto(f"{service.url}#/settings")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


async def send(service: Service, **query: str) -> None:
    """Send a small file, which becomes a job."""
    async with (
        aiohttp.ClientSession() as session,
        session.put(
            f"{service.url}api/v1/uploads",
            params={"name": "plays.csv", **query},
            data=b"Song,Date,Plays\na,2026-01-01,2\n",
        ) as response,
    ):
        assert response.status == 201


async def given_up(service: Service) -> None:
    """Wait until a message was given up."""
    async with service.client() as client, asyncio.timeout(30):
        while True:
            async for found in client.admin.notifications(state="failed"):
                assert found.attempts == 2
                return
            await asyncio.sleep(0.05)


async def test_specs_are_shown_asked_and_deleted(
    page: Page, own_service: Service, watch: Watch
) -> None:
    await open_settings(page, own_service)
    await expect(page.get_by_text("No specs are saved.")).to_be_visible()
    await expect(page.get_by_role("heading", name="No messages yet")).to_be_visible()
    await axe(page)
    async with own_service.client() as client:
        for name in ("by-region", "changing"):
            await client.save_spec(name, SPEC)
        await page.reload()

        await page.get_by_label("Show the spec by-region").press("Enter")
        await expect(page.get_by_text("Sum of amount by region")).to_be_visible()
        await expect(page.get_by_role("region", name="The spec by-region as JSON")).to_contain_text(
            '"column": "amount"'
        )
        await page.get_by_role("button", name="Delete the spec by-region").click()
        dialog = page.get_by_role("dialog", name="Delete this spec?")
        await axe(page)
        await dialog.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_role("heading", name="by-region")).to_have_count(0)
        assert [spec.name for spec in await client.specs()] == ["changing"]

        # Another user changes the spec that is shown.
        watch.allow("status of 412")
        await client.save_spec("changing", {**SPEC, "limit": 3})
        await page.get_by_role("button", name="Delete the spec changing").click()
        await dialog.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_text("Another user has changed this spec").first).to_be_visible()
        assert [spec.name for spec in await client.specs()] == ["changing"]
        await page.get_by_label("Show the spec changing").click()
        await page.get_by_role("link", name="Ask changing of a file").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Drop a CSV file, ask, get the answer"
    )
    assert "limit:3" in page.url


async def test_a_question_is_saved_under_a_name(
    page: Page, own_service: Service, tmp_path: Path, watch: Watch
) -> None:
    watch.allow("status of 412")
    sales(tmp_path / "sales.csv")
    await open_with(page, own_service, tmp_path / "sales.csv")
    await page.get_by_role("button", name="Sum of amount by region").click()
    save = page.get_by_role("button", name="Save under a name")
    dialog = page.get_by_role("dialog", name="Save this question")
    name = dialog.get_by_label("Name", exact=True)
    await save.click()
    await axe(page)
    await name.fill("by region")
    await name.press("Enter")
    await expect(dialog).to_contain_text("no blanks")
    await name.fill("by-region")
    await name.press("Enter")
    await expect(dialog).to_have_count(0)
    async with own_service.client() as client:
        assert (await client.spec("by-region")).aggregation == {**SPEC, "output": "csv"}
    await save.click()
    await name.fill("by-region")
    await name.press("Enter")
    await expect(dialog).to_contain_text("saved already")


async def test_a_message_that_was_given_up_is_sent_again(
    page: Page, start_service: StartService
) -> None:
    service = await start_service(**REACHABLE, notify_interval=0.1, notify_delays="0.1")
    await open_settings(page, service)
    await page.get_by_role("button", name="Create a secret").click()
    await expect(page.get_by_role("heading", name="The new secret")).to_be_focused()
    secret = await page.locator("csv-webhook-secret pre").inner_text()
    assert secret.startswith("whsec_")

    receiver = Receiver()
    await send(service, notify=receiver.url)
    await expect(page.get_by_role("heading", name="No messages yet")).to_be_visible()
    await given_up(service)
    await page.get_by_label("Show", exact=True).select_option("failed")
    row = page.get_by_role("listitem").filter(has_text=receiver.url)
    await expect(row).to_contain_text("Job succeeded")
    await expect(row).to_contain_text("Given up")
    await expect(row).to_contain_text("sent 2 times")
    await axe(page)
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await scrolls_sideways(page) == []

    async with receiver:
        await page.get_by_role("button", name="again").press("Enter")
        await expect(page.get_by_text("The message is sent again.").first).to_be_visible()
        received = await asyncio.wait_for(receiver.arrived.get(), 30)
        assert received.signed_by(secret)
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("plays.csv")


async def test_without_the_scope_the_webhooks_alone_are_refused(
    page: Page, start_service: StartService, watch: Watch
) -> None:
    watch.allow("status of 401")
    watch.allow("status of 403")
    service = await start_service(auth="keys")
    key = await service.create_key("--scope", "upload", "--scope", "read")
    await page.goto(f"{service.url}#/settings")
    dialog = page.get_by_role("dialog", name="API key")
    await dialog.get_by_label("API key").fill(key)
    await dialog.get_by_role("button", name="Use this key").click()
    await expect(page.get_by_text("No specs are saved.")).to_be_visible()
    await expect(page.get_by_text("The key does not allow this")).to_have_count(2)
    await axe(page)
