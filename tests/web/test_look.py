"""The result as a chart and a table, in Chromium on the real standalone service."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from playwright.async_api import expect

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import HOSTILE_CELLS, plays
from tests.web.looking import PHONE, cells, job_of, look_at, places, sort_button

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.conftest import OpenContext
    from tests.web.service import Service

SVG = "{http://www.w3.org/2000/svg}"
SCRIPTS = re.compile("[^\\x00-\\u024f]")


async def test_song_plays_are_lines_over_dates_and_bars_of_songs(
    page: Page, service: Service, tmp_path: Path
) -> None:
    content = plays(tmp_path / "plays.csv", rows=3000)
    job_id = await job_of(service, tmp_path, (tmp_path / "plays.csv").read_bytes())
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    look = await look_at(page, service, job_id)

    await expect(look.get_by_role("radio", name="Lines")).to_be_checked()
    await expect(look.get_by_role("heading", level=3)).to_have_text(
        "Total Number of Plays for Date by Date and Song"
    )
    by_date: dict[str, dict[str, str]] = defaultdict(dict)
    by_song: dict[str, int] = defaultdict(int)
    for song, date, count in rows:
        by_date[date][song] = count
        by_song[song] += int(count)
    largest = sorted(by_song, key=lambda song: -by_song[song])
    said = await places(look)
    assert len(said) == len(by_date)
    for date, label in zip(sorted(by_date), said, strict=True):
        values = [f"{song} {by_date[date][song]}" for song in largest if song in by_date[date]]
        total = sum(map(int, by_date[date].values()))
        assert label == f"{date}: {', '.join([*values, f'Total {total}'])}"
    await axe(page)

    await look.get_by_text("Bars", exact=True).click()
    await expect(look.locator("figcaption .hint")).to_have_text("Added up over Date.")
    name = "Total Number of Plays for Date"
    await expect(look.get_by_role("heading", level=3)).to_have_text(f"{name} by Song")
    assert await places(look) == [f"{song}: {name} {by_song[song]}" for song in largest]
    await axe(page)

    # The same values as a table
    await look.get_by_text("Data of the chart").click()
    data = look.locator(".look-data tbody tr")
    assert await data.all_inner_texts() == [f"{song}\t{by_song[song]}" for song in largest]

    await look.get_by_text("Table only").click()
    await expect(look.locator("figure")).to_be_hidden()
    assert await cells(look) == rows[:100]


async def test_two_groups_are_stacked_bars_with_exact_sums(
    page: Page, service: Service, tmp_path: Path
) -> None:
    lines = [
        (r, p, f"{(i * 37 + j * 11) % 90}.{j}")
        for i, r in enumerate("NSEW")
        for j, p in enumerate("abcdefgh")
    ]
    content = "region,product,amount\n" + "".join(f"{r},{p},{a}\n" for r, p, a in lines)
    spec = {
        "group_by": ["region", "product"],
        "aggregates": [
            {"function": "sum", "column": "amount"},
            {"function": "avg", "column": "amount"},
        ],
    }
    job_id = await job_of(service, tmp_path, content, spec)
    look = await look_at(page, service, job_id)

    totals: dict[str, Decimal] = defaultdict(Decimal)
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for region, product, amount in lines:
        totals[region] += Decimal(amount)
        sizes[product] += Decimal(amount)
    own = sorted(sizes, key=lambda product: -sizes[product])[:5]
    await expect(look.locator(".chart-legend text")).to_have_text([*own, "All others"])
    await expect(look.locator("figcaption .hint")).to_have_text(
        "“All others” is the sum of the other 3 groups of product."
    )
    said = await places(look)
    values = {(r, p): Decimal(a) for r, p, a in lines}
    for region, label in zip(sorted(totals, key=lambda r: -totals[r]), said, strict=True):
        assert label.startswith(f"{region}: ")
        assert label.endswith(f"Total {totals[region]}")
        parts = dict(part.rsplit(" ", 1) for part in label.partition(": ")[2].split(", "))
        assert {p: Decimal(parts[p]) for p in own} == {p: values[region, p] for p in own}
        others = sum(values[region, p] for p in sizes if p not in own)
        assert Decimal(parts["All others"]) == others

    # Means do not add up
    await look.get_by_role("combobox", name="Values").select_option("avg(amount)")
    await expect(look.locator("figcaption .hint")).to_have_text(
        "The 6 largest of 8 groups of product; the others are not drawn."
    )
    assert not [label for label in await places(look) if "Total" in label or "others" in label]
    await axe(page)


async def test_hostile_cells_are_text_in_table_chart_and_picture(
    page: Page, service: Service, tmp_path: Path
) -> None:
    texts = [*HOSTILE_CELLS, "two\nlines", "\x01\x02 control", "=1+2"]
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(["<b>name</b>", "n"])
    writer.writerows([text, str(number)] for number, text in enumerate(texts, 1))
    spec = {"group_by": [1], "aggregates": [{"function": "sum", "column": 2}]}
    job_id = await job_of(service, tmp_path, made.getvalue(), spec)
    look = await look_at(page, service, job_id)
    long = HOSTILE_CELLS[-1]
    shown = {cell[0] for cell in await cells(look)}
    assert shown - {cell for cell in shown if cell.startswith("aaa")} == {*texts} - {long}
    assert f"{long[:300]} … 100 more characters" in shown
    assert await look.locator("script, img, b").count() == 0
    await expect(look.get_by_role("heading", level=3)).to_have_text("Sum of n by <b>name</b>")
    assert await look.locator(".chart-place").count() == len(texts)
    assert any("\ufffdesrever" in label for label in await places(look))
    picture = await saved(page, look, "SVG")
    found = ElementTree.fromstring(picture)  # noqa: S314
    assert "<script>alert(1)</script>" in [text.text for text in found.iter(f"{SVG}text")]
    assert not [each for each in found.iter() if each.tag in (f"{SVG}script", f"{SVG}image")]


async def saved(page: Page, look: Locator, kind: str) -> bytes:
    """Save the chart; return the file."""
    async with page.expect_download() as download:
        await look.get_by_role("button", name=f"Save as {kind}").click()
    done = await download.value
    assert done.suggested_filename == f"data.{kind.lower()}"
    return await asyncio.to_thread(Path(await done.path()).read_bytes)


async def test_pictures_need_nothing_else(page: Page, service: Service, tmp_path: Path) -> None:
    plays(tmp_path / "plays.csv", rows=500)
    job_id = await job_of(service, tmp_path, (tmp_path / "plays.csv").read_bytes())
    await page.emulate_media(color_scheme="dark")
    look = await look_at(page, service, job_id)
    grounds = set()
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        picture = (await saved(page, look, "SVG")).decode()
        found = ElementTree.fromstring(picture)  # noqa: S314
        assert not re.search(r"var\(|light-dark|url\(|style=|class=|href|tabindex|aria-", picture)
        texts = [text.text or "" for text in found.iter(f"{SVG}text")]
        assert "Total Number of Plays for Date by Date and Song" in texts
        assert "Blue Monday" in texts
        assert {text.get("font-family") for text in found.iter(f"{SVG}text")} != {None}
        lines = [path.get("stroke") for path in found.iter(f"{SVG}path")]
        assert len(set(lines)) >= 5
        assert all(re.fullmatch(r"rgb\(\d+, \d+, \d+\)", stroke or "") for stroke in lines)
        grounds.add(next(found.iter(f"{SVG}rect")).get("fill"))
    assert len(grounds) == 2  # as the colours of the page
    width, height, colours = await decoded(page, await saved(page, look, "PNG"))
    assert (width, height) == (1920, 2 * int(found.get("height") or 0))
    assert len(colours) > 20
    assert colours[0] == "255 255 255 255"


async def decoded(page: Page, data: bytes) -> tuple[int, int, list[str]]:
    """Let the browser decode a PNG; return its size and its colours, the most frequent first."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, colours = await page.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const {data} = context.getImageData(0, 0, image.width, image.height);
            const seen = new Map();
            for (let at = 0; at < data.length; at += 4) {
                const colour = data.slice(at, at + 4).join(" ");
                seen.set(colour, (seen.get(colour) ?? 0) + 1);
            }
            const colours = [...seen].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
            return [image.width, image.height, colours.slice(0, 100)];
        }""",
        base64.b64encode(data).decode(),
    )
    return width, height, colours


async def test_a_chart_and_a_table_are_used_by_the_keyboard(
    page: Page, service: Service, tmp_path: Path
) -> None:
    names = [f"n{n}" for n in range(12)]
    content = "name,v\n" + "".join(f"{name},{n + 1}\n" for n, name in enumerate(names))
    spec = {"group_by": ["name"], "aggregates": [{"function": "sum", "column": "v"}]}
    look = await look_at(page, service, await job_of(service, tmp_path, content, spec))
    tip = look.locator(".chart-tip")

    await look.get_by_role("radio", name="Bars").focus()
    for _ in range(3):  # two buttons, then the chart
        await page.keyboard.press("Tab")
    focused = look.locator(".chart-place:focus")
    await expect(focused).to_have_attribute("aria-label", "n11: sum(v) 12")
    await expect(tip).to_be_visible()
    assert (await tip.inner_text()).split() == ["n11", "sum(v)", "12"]
    for key, value in (
        ("ArrowDown", 11),
        ("ArrowRight", 10),
        ("ArrowUp", 11),
        ("End", 1),
        ("ArrowDown", 1),
        ("Home", 12),
    ):
        await page.keyboard.press(key)
        await expect(focused).to_have_attribute("aria-label", f"n{value - 1}: sum(v) {value}")
    await page.keyboard.press("Escape")
    await expect(tip).to_be_hidden()
    # One place only is in the order of TAB
    await page.keyboard.press("Tab")
    await expect(look.locator("summary")).to_be_focused()

    find = look.get_by_role("searchbox")
    await find.focus()
    await page.keyboard.type("N1")
    await expect(look.locator(".look-status")).to_have_text("3 of 12 loaded rows match.")
    assert [row[0] for row in await cells(look)] == ["n1", "n10", "n11"]
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await look.get_by_role("button", name="Copy rows").focus()
    await page.keyboard.press("Enter")
    await expect(look.get_by_role("button", name="Copied")).to_be_visible()
    pasted = await page.evaluate("navigator.clipboard.readText()")
    assert pasted == "name\tsum(v)\nn1\t2\nn10\t11\nn11\t12\n"

    await sort_button(look, "sum(v)").focus()
    await page.keyboard.press("Enter")
    await expect(look.get_by_role("columnheader", name="sum(v)")).to_have_attribute(
        "aria-sort", "descending"
    )
    await expect(sort_button(look, "sum(v)")).to_be_focused()
    assert [row[0] for row in await cells(look)] == ["n11", "n10", "n1"]


async def test_on_a_phone_nothing_is_wider_than_the_window(
    open_context: OpenContext, service: Service, tmp_path: Path
) -> None:
    lines = "".join(
        f"{'a long name of a group ' * 3}{n},2026-01-{n % 28 + 1:02d},{n}12345678901234567890\n"
        for n in range(40)
    )
    spec = {
        "group_by": ["a rather long name of a column", "day"],
        "aggregates": [{"function": "sum", "column": "v"}],
    }
    content = f"a rather long name of a column,day,v\n{lines}"
    job_id = await job_of(service, tmp_path, content, spec)
    context = await open_context(viewport=PHONE, has_touch=True)
    page = await context.new_page()
    look = await look_at(page, service, job_id)
    for shape in ("Bars", "Lines", "Table only"):
        await look.get_by_text(shape, exact=True).click()
        await expect(look.locator("[aria-busy]")).to_have_count(0)
        assert await scrolls_sideways(page) == []
    await look.get_by_text("Bars", exact=True).click()
    await look.locator(".chart-place").first.tap()
    await expect(look.locator(".chart-tip")).to_be_visible()
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await scrolls_sideways(page) == []


async def test_what_is_looked_at_is_in_the_address(
    page: Page, service: Service, tmp_path: Path
) -> None:
    content = "city,day,n,m\n" + "".join(
        f"c{i % 30},2026-01-{1 + i % 28:02d},{i},{i * i}\n" for i in range(60)
    )
    spec = {
        "group_by": ["city"],
        "aggregates": [{"function": "sum", "column": "n"}, {"function": "max", "column": "m"}],
    }
    job_id = await job_of(service, tmp_path, content, spec)
    look = await look_at(page, service, job_id)
    await expect(look.get_by_role("heading", level=3)).to_have_text("Sum of n by city")
    await look.get_by_role("combobox", name="Values").select_option("max(m)")
    await look.get_by_role("combobox", name="Most bars").select_option("50")
    await expect(look.locator(".chart-place")).to_have_count(30)
    await sort_button(look, "sum(n)").click()
    await expect(look.get_by_role("columnheader", name="sum(n)")).to_have_attribute(
        "aria-sort", "descending"
    )
    seen = await places(look), await cells(look)

    other = await page.context.new_page()
    await other.goto(page.url)
    again = other.locator("csv-look")
    await expect(again.get_by_role("heading", level=3)).to_have_text("Largest m by city")
    await expect(again.get_by_role("columnheader", name="sum(n)")).to_have_attribute(
        "aria-sort", "descending"
    )
    await expect(again.locator(".chart-place")).to_have_count(30)
    assert (await places(again), await cells(again)) == seen
    await again.get_by_text("Table only").click()
    await other.reload()
    await expect(again.get_by_role("radio", name="Table only")).to_be_checked()
    await expect(again.locator("figure")).to_be_hidden()
