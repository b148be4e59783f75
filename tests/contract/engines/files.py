"""Files for the engines."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    pass
else:
    pass


HEADER = b"Song,Date,Plays\n"
