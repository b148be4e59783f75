"""Why a run cannot begin or continue."""

from __future__ import annotations

from csvmill.client.errors import ClientError


class RunBusy(ClientError):
    """Another run has locked the folder."""


class RunDiffers(ClientError):
    """The saved run is not the requested one. The message says how to proceed."""
