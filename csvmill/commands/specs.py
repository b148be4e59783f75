"""`csvmill specs`: save what to compute under names on the server."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.exit_codes import report_errors, show_json
from csvmill.commands.job import call_server
from csvmill.commands.options import json_option, server_option
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options

if TYPE_CHECKING:
    from csvmill.client import AsyncClient
    from shared.api.saved_spec import SpecView

name_argument = click.argument("name", metavar="NAME")


@click.group(short_help="Save what to compute under names on the server.")
def specs() -> None:
    """Save what to compute under names on the server; list, show and delete them.

    `csvmill ask --spec-name NAME` computes it.

    \b
    Examples:
      csvmill specs save plays-by-song --group-by Song --sum Plays
      csvmill specs list
    """


@specs.command("list", short_help="List the saved specs by name.")
@server_option
@json_option
def list_specs(server: str, as_json: bool) -> None:
    """List the saved specs by name: when each was changed, and its name.

    \b
    Example:
      csvmill specs list --json
    """
    with report_errors(as_json=as_json):
        for spec in call_server(server, lambda client: client.specs()):
            show_json(asdict(spec)) if as_json else click.echo(f"{spec.changed_at}  {spec.name}")


@specs.command(short_help="Show a saved spec as JSON, which --spec takes.")
@name_argument
@server_option
def show(name: str, server: str) -> None:
    """Show a saved spec as JSON.

    \b
    Example:
      csvmill specs show plays-by-song >spec.json
    """
    with report_errors(as_json=False):
        show_json(call_server(server, lambda client: client.spec(name)).aggregation)


@specs.command(cls=SpecCommand, epilog=GRAMMAR, short_help="Save what to compute, or replace it.")
@name_argument
@server_option
@click.option("--new", "is_new", is_flag=True, help="Refuse to replace one of this name.")
@json_option
@spec_options
def save(
    name: str, server: str, is_new: bool, as_json: bool, aggregation: dict[str, Any] | None
) -> None:
    """Save what to compute under a name, or replace it. Earlier jobs stay as they are.

    \b
    Examples:
      csvmill specs save plays-by-song --group-by Song --sum Plays
      csvmill specs save totals --spec totals.json
    """
    if aggregation is None:
        raise click.UsageError("say what to compute, as in --group-by COLUMN --sum COLUMN")

    async def put(client: AsyncClient) -> SpecView:
        return await client.save_spec(name, aggregation, is_new=is_new)

    with report_errors(as_json=as_json):
        saved = call_server(server, put)
        show_json(asdict(saved)) if as_json else click.echo(f"{saved.name} saved")


@specs.command(short_help="Delete a saved spec.")
@name_argument
@server_option
@json_option
def delete(name: str, server: str, as_json: bool) -> None:
    """Delete a saved spec. Jobs that had it stay as they are.

    \b
    Example:
      csvmill specs delete plays-by-song
    """
    with report_errors(as_json=as_json):
        call_server(server, lambda client: client.delete_spec(name))
        show_json({"name": name, "deleted": True}) if as_json else click.echo(f"{name} deleted")
