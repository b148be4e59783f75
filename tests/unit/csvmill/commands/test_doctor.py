"""What `csvmill doctor` says of the way to the server."""

from __future__ import annotations

import pytest

from csvmill.commands.doctor import CheckStatus, way


@pytest.mark.parametrize(
    ("buffered", "limited", "status", "remedy"),
    [
        (False, False, CheckStatus.OK, None),
        (True, False, CheckStatus.WARN, "proxy_request_buffering"),
        (False, True, CheckStatus.WARN, "client_max_body_size"),
        (True, True, CheckStatus.WARN, "client_max_body_size"),
    ],
)
def test_the_way_to_the_server_is_judged(
    buffered: bool, limited: bool, status: CheckStatus, remedy: str | None
) -> None:
    finding = way(buffered=buffered, limited=limited)
    assert finding.status is status
    assert (remedy or "") in (finding.remedy or "")
