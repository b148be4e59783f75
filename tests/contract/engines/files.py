"""Files for the engines."""

from __future__ import annotations

HEADER = b"Song,Date,Plays\n"
