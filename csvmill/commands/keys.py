"""`csvmill keys`: create, list, rotate and revoke API keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csvmill.client.errors import ClientError
from csvmill.commands.administration import administration, target_of, target_options
from csvmill.commands.direct_administration import DirectAdministration
from csvmill.commands.durations import duration
from csvmill.commands.exit_codes import report_errors, run_async, show_json
from csvmill.commands.options import json_option
from shared.errors import CsvmillError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from csvmill.commands.administration import Administration
    from shared.api.access import KeyView, NewKeyView

T = TypeVar("T")

SCOPES = ("upload", "read", "admin")
USUAL_SCOPES = ("upload", "read")
"""The scopes of a key for a program that uploads files and downloads results."""


@click.group(short_help="Create, list, rotate and revoke API keys.")
def keys() -> None:
    """Create, list, rotate and revoke API keys.

    On the machine of the service, in its data folder or database: no key is needed for that, so the
    first key is created so. Or with --server, through the API, with a key that has the scope admin.

    \b
    Examples:
      csvmill keys create --name laptop --data-dir /var/lib/csvmill
      docker compose exec gateway csvmill keys create --name laptop
      csvmill keys list --server https://mill.example
    """


@keys.command(short_help="Create a key, and show it once.")
@click.option("--name", required=True, metavar="TEXT", help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=USUAL_SCOPES,
    show_default=True,
    help="What the key allows; may be repeated.",
)
@click.option("--tenant", metavar="NAME", help="The tenant of the key.  [default: default]")
@click.option("--operator", is_flag=True, help="With admin: manages the keys of all tenants.")
@click.option(
    "--expires-in", callback=duration, metavar="TIME", help="How long it is valid, such as 90d."
)
@click.option(
    "--notify",
    multiple=True,
    metavar="URL",
    help="A URL that is notified when a job created with this key ends; may be repeated.",
)
@target_options
@json_option
def create(
    name: str,
    scopes: tuple[str, ...],
    tenant: str | None,
    operator: bool,
    expires_in: int | None,
    notify: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Create an API key, and print it: the only time that it is shown.

    \b
    Examples:
      csvmill keys create --name "nightly import" --tenant acme --expires-in 90d
      csvmill keys create --name operator --scope admin --scope read --operator
    """

    async def work(target: Administration) -> NewKeyView:
        return await target.create_key(
            name, scopes, tenant=tenant, operator=operator, expires_in=expires_in, notify=notify
        )

    _show_new(administer(options, work, as_json=as_json), as_json=as_json)


@keys.command("list", short_help="List the keys, the oldest first.")
@target_options
@json_option
def list_keys(as_json: bool, **options: Any) -> None:
    """List the keys: id, tenant, scopes, state, last use, name.

    \b
    Example:
      csvmill keys list
    """

    async def work(target: Administration) -> list[KeyView]:
        return await target.keys()

    found = administer(options, work, as_json=as_json)
    if as_json:
        for key in found:
            show_json(asdict(key))
        return
    for key in found:
        scopes = ",".join(key.scopes) + (",operator" if key.operator else "")
        used = key.last_used_at or "never used"
        click.echo(f"{key.id}  {key.tenant}  {scopes}  {_state(key)}  {used}  {key.name}")


@keys.command(short_help="Give a key a new secret, and show it once.")
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    callback=duration,
    metavar="TIME",
    default="1d",
    show_default=True,
    help="How long the previous secret stays valid; 0s ends it at once.",
)
@target_options
@json_option
def rotate(key_id: str, overlap: int, as_json: bool, **options: Any) -> None:
    """Give a key a new secret, and print it. The previous secret is valid for a time.

    \b
    Example:
      csvmill keys rotate 8sYqP2LmZx --overlap 2h
    """

    async def work(target: Administration) -> NewKeyView:
        return await target.rotate_key(key_id, overlap=overlap)

    _show_new(administer(options, work, as_json=as_json), as_json=as_json)


@keys.command(short_help="Revoke a key for good.")
@click.argument("key_id", metavar="ID")
@target_options
@json_option
def revoke(key_id: str, as_json: bool, **options: Any) -> None:
    """Revoke a key for good. Services that have just used it accept it for some seconds more.

    \b
    Example:
      csvmill keys revoke 8sYqP2LmZx
    """

    async def work(target: Administration) -> KeyView:
        return await target.revoke_key(key_id)

    key = administer(options, work, as_json=as_json)
    show_json(asdict(key)) if as_json else click.echo(f"{key.id} {_state(key)}")


@keys.command("rotate-links", short_help="Sign links to results with a new secret.")
@target_options
@json_option
def rotate_links(as_json: bool, **options: Any) -> None:
    """Sign links to results with a new secret, on the database; there is no API for this.

    Links that the previous secret has signed stay valid until they expire. Twice in a row, all
    links that were made before end within 5 seconds.

    \b
    Example:
      csvmill keys rotate-links --data-dir /var/lib/csvmill
    """

    async def work(target: Administration) -> None:
        if not isinstance(target, DirectAdministration):
            raise ClientError(
                "rotate-links needs direct access to the database; --server is not supported"
            )
        await target.rotate_links()

    administer(options, work, as_json=as_json)


def administer(
    options: dict[str, Any], work: Callable[[Administration], Awaitable[T]], *, as_json: bool
) -> T:
    """Do `work` where the options of `target_options` say; report its errors."""
    target = target_of(options)

    async def run() -> T:
        async with administration(target) as opened:
            return await work(opened)

    with report_errors(as_json=as_json):
        try:
            return run_async(run())
        except (CsvmillError, ValueError) as error:  # of the database, or a name that is none
            raise ClientError(str(error)) from error


def _show_new(new: NewKeyView, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(new))
        return
    click.echo(new.secret)
    click.echo(
        f"Key {new.key.id} of tenant {new.key.tenant}: it is not shown again. Give it to programs "
        "as CSVMILL_API_KEY.",
        err=True,
    )


def _state(key: KeyView) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at}"
    return f"expires {key.expires_at}" if key.expires_at else "valid"
