"""The command line: `csvmill`, and `python -m csvmill` without an installed script."""

from csvmill.commands.interrupts import end_silently


def main() -> None:
    """Run the command that the arguments of this process name, and exit."""
    end_silently()
    from csvmill.cli import main as command_line  # most of the time in which nothing happens yet

    command_line()


if __name__ == "__main__":
    main()
