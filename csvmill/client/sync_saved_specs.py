"""The methods of `Client` about saved specs. See `csvmill.client.saved_specs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csvmill.client.event_loop_thread import EventLoopThread

if TYPE_CHECKING:
    from csvmill.client.async_client import AsyncClient
    from csvmill.client.spec import Spec
    from shared.api.saved_spec import SpecSummaryView, SpecView


class SyncSavedSpecMethods(EventLoopThread):
    """The methods of `Client` about saved specs."""

    _client: AsyncClient

    def specs(self) -> list[SpecSummaryView]:
        """Return the saved specs, by name. See `AsyncClient.specs`."""
        return self._run(self._client.specs())

    def spec(self, name: str) -> SpecView:
        """Return a saved spec. See `AsyncClient.spec`."""
        return self._run(self._client.spec(name))

    def save_spec(
        self, name: str, spec: Spec, *, etag: str | None = None, is_new: bool = False
    ) -> SpecView:
        """Save a spec, or replace the one of this name. See `AsyncClient.save_spec`."""
        return self._run(self._client.save_spec(name, spec, etag=etag, is_new=is_new))

    def delete_spec(self, name: str) -> None:
        """Delete a saved spec. See `AsyncClient.delete_spec`."""
        self._run(self._client.delete_spec(name))
