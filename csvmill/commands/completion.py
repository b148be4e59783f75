"""`csvmill completion`: a script with which a shell completes commands, options and paths."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print a completion script for your shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Examples:
      eval "$(csvmill completion bash)"          # in ~/.bashrc
      eval "$(csvmill completion zsh)"           # in ~/.zshrc
      csvmill completion fish > ~/.config/fish/completions/csvmill.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  (click knows the shells above)
    root = ctx.find_root().command
    click.echo(kind(root, {}, "csvmill", "_CSVMILL_COMPLETE").source())
