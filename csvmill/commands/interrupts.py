"""Ctrl-C while the command line starts: the process ends without a traceback."""

from __future__ import annotations

import signal


def end_silently() -> None:
    """Let Ctrl-C end this process at once, until `restore_interrupts`: nothing has begun yet.

    To be called in the main thread. Does nothing if Ctrl-C is ignored, as in a background job of a
    shell.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def restore_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, which the commands report."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
