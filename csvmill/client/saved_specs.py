"""Specs that a server has saved under names. The methods are part of `AsyncClient`.

Their values are imported when they are needed: most clients save no specs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from csvmill.client.defaults import JSON
from csvmill.client.paths import SPECS, spec_path
from csvmill.client.problem_types import SPEC_NOT_FOUND
from csvmill.client.spec import spec_json

if TYPE_CHECKING:
    from csvmill.client.spec import Spec
    from csvmill.client.transport import Transport
    from shared.api.saved_spec import SpecSummaryView, SpecView


class SavedSpecMethods:
    """The methods of `AsyncClient` about saved specs. `ask` takes the name of one."""

    _transport: Transport

    async def specs(self) -> list[SpecSummaryView]:
        """Return the saved specs, by name. `spec` shows what one computes."""
        from shared.api.saved_spec import SpecListView

        return list(SpecListView.of(await self._transport.json("GET", SPECS)).specs)

    async def spec(self, name: str) -> SpecView:
        """Return a saved spec. Raises Refused (404) if there is none of this name."""
        from shared.api.saved_spec import SpecView

        return SpecView.of(await self._transport.json("GET", spec_path(name)))

    async def save_spec(
        self, name: str, spec: Spec, *, etag: str | None = None, is_new: bool = False
    ) -> SpecView:
        """Save a spec, or replace the one of this name. Jobs that had that one stay as they are.

        With the `etag` of the one that `specs` has shown, one that somebody else has saved since is
        not replaced, and one that `is_new` replaces none: Refused (412). Raises Refused: 400 for
        what is no spec. With `etag` or `is_new`, it is also refused if it has been saved and only
        the answer was lost.
        """
        headers = dict(JSON)
        if etag is not None:
            headers["If-Match"] = etag
        if is_new:
            headers["If-None-Match"] = "*"
        from shared.api.saved_spec import SpecView

        body = json.dumps(spec_json(spec), default=str).encode()
        answer = await self._transport.json("PUT", spec_path(name), body=body, headers=headers)
        return SpecView.of(answer)

    async def delete_spec(self, name: str) -> None:
        """Delete a saved spec. Raises Refused (404) if there is none of this name."""
        await self._transport.json("DELETE", spec_path(name), done_if=[SPEC_NOT_FOUND])
