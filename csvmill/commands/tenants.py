"""`csvmill tenants`: the share and the limits of single tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.administration import target_options
from csvmill.commands.exit_codes import show_json
from csvmill.commands.keys import administer
from csvmill.commands.options import json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from csvmill.commands.administration import Administration
    from shared.api.tenant import TenantView

DEFAULT = "default"
"""The value that resets an option."""


def number(
    least: int = 0, *, fraction: bool = False
) -> Callable[[click.Context, click.Parameter, str | None], float | str | None]:
    """Return a callback that reads a number from `least` on, or `default`."""

    def read(
        _context: click.Context, _option: click.Parameter, value: str | None
    ) -> float | str | None:
        if value is None or value == DEFAULT:
            return value
        try:
            given = float(value) if fraction else int(value)
        except ValueError:
            given = -1
        if not least <= given < 1 << 63 or (fraction and given == 0):
            kind = "a number above 0" if fraction else f"a whole number from {least} on"
            raise click.BadParameter(f"{value!r} is not {kind}, nor {DEFAULT!r}")
        return given

    return read


@click.group(short_help="Show and change the share and the limits of tenants.")
def tenants() -> None:
    """Show and change the share and the limits of single tenants.

    On the database, or with --server and an operator's key.

    What is not set for a tenant is as the settings of the services say for all.

    \b
    Examples:
      csvmill tenants set acme --weight 3 --max-running 8 --data-dir /var/lib/csvmill
      docker compose exec gateway csvmill tenants list
    """


@tenants.command("list", short_help="Show what is set for single tenants.")
@target_options
@json_option
def list_tenants(as_json: bool, **options: Any) -> None:
    """Show what is set for single tenants, by name.

    \b
    Example:
      csvmill tenants list
    """

    async def work(target: Administration) -> list[TenantView]:
        return await target.tenants()

    for found in administer(options, work, as_json=as_json):
        _show(found, as_json=as_json)


@tenants.command("set", short_help="Change what is set for a tenant.")
@click.argument("tenant", metavar="TENANT")
@click.option(
    "--weight",
    callback=number(1),
    metavar="NUMBER",
    help="Share of the slots, relative to a tenant with weight 1.",
)
@click.option(
    "--max-running",
    callback=number(),
    metavar="NUMBER",
    help="Jobs that run at a time; 0 stops them.",
)
@click.option("--max-waiting", callback=number(), metavar="NUMBER", help="Jobs that wait.")
@click.option(
    "--max-bytes",
    callback=number(),
    metavar="NUMBER",
    help="Bytes stored, as large as they were declared.",
)
@click.option("--max-uploads", callback=number(), metavar="NUMBER", help="Uploads in progress.")
@click.option("--max-upload-size", callback=number(), metavar="NUMBER", help="Bytes of one upload.")
@click.option(
    "--requests-per-second",
    callback=number(fraction=True),
    metavar="NUMBER",
    help="Requests to each gateway, on average over ten seconds.",
)
@target_options
@json_option
def set_tenant(tenant: str, as_json: bool, **options: Any) -> None:
    """Change what is set for a tenant, and print all of it. The value `default` resets an option.

    \b
    Examples:
      csvmill tenants set acme --weight 3 --max-running 8
      csvmill tenants set acme --max-running default
    """
    names = (
        "weight",
        "max_running",
        "max_waiting",
        "max_bytes",
        "max_uploads",
        "max_upload_size",
        "requests_per_second",
    )
    given = {name: options.pop(name) for name in names}
    changes = {
        name: None if value == DEFAULT else value
        for name, value in given.items()
        if value is not None
    }
    if not changes:
        raise click.UsageError("give at least one option of what to change")

    async def work(target: Administration) -> TenantView:
        return await target.change_tenant(tenant, changes)

    _show(administer(options, work, as_json=as_json), as_json=as_json)


def _show(found: TenantView, *, as_json: bool) -> None:
    shown = {name: value for name, value in found.as_json().items() if value is not None}
    if as_json:
        show_json(shown)
        return
    values = {name: value for name, value in shown.items() if name != "tenant"}
    text = " ".join(f"{name}={value}" for name, value in values.items())
    click.echo(f"{found.tenant}  {text or 'as all'}")
