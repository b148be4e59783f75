"""The rejects of a job: the records that were left out of its result, as CSV.

They are stored in a second blob, if there are any. `record` is the record as it is in the file,
converted to UTF-8 if it is text, so that it can be corrected and sent again.
"""

from __future__ import annotations

import hashlib

COLUMNS = ("line", "offset", "column", "reason", "record")
"""The header. `line` counts from 1; `offset` is in bytes of the decompressed file; `column` counts
from 1 and is empty for a problem of the whole record."""

NO_REJECTS = (",".join(COLUMNS) + "\n").encode()
"""The rejects of a job without any."""
NO_REJECTS_SHA256 = hashlib.sha256(NO_REJECTS).hexdigest()
