"""TLS between services, in which each end shows a certificate of the same authority."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import InvalidInput


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]


class MutualTlsSettings(BaseSettings):
    """The certificate of a service for other services; all three files, or none of them."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    internal_ca: _OptionalPath = None
    """File with the certificates (PEM) of the authority that has signed those of all services."""
    internal_certificate: _OptionalPath = None
    """File with the certificate of this service (PEM), and those between it and the authority. That
    of storage has the host of `storage_url` among its names."""
    internal_key: _OptionalPath = None
    """File with the key of `internal_certificate` (PEM, not encrypted)."""

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = (self.internal_ca, self.internal_certificate, self.internal_key)
        if any(given) and not all(given):
            raise ValueError(
                "set CSVMILL_INTERNAL_CA, CSVMILL_INTERNAL_CERTIFICATE and CSVMILL_INTERNAL_KEY,"
                " or none of them"
            )
        return self

    def tls_of_server(self) -> ssl.SSLContext | None:
        """Return the side that is called; None without certificates.

        A caller may show no certificate, as probes do: see `shows_certificate`. One that is not of
        the authority is refused. Raises InvalidInput for files that cannot be used.
        """
        context = self._loaded(ssl.Purpose.CLIENT_AUTH)
        if context is not None:
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def tls_of_client(self) -> ssl.SSLContext | None:
        """Return the side that calls; None without certificates. Raises InvalidInput."""
        return self._loaded(ssl.Purpose.SERVER_AUTH)

    def _loaded(self, purpose: ssl.Purpose) -> ssl.SSLContext | None:
        if not (self.internal_ca and self.internal_certificate and self.internal_key):
            return None
        try:
            context = ssl.create_default_context(purpose, cafile=str(self.internal_ca))
            context.load_cert_chain(self.internal_certificate, self.internal_key)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise InvalidInput(
                f"CSVMILL_INTERNAL_CA, _CERTIFICATE and _KEY: the files cannot be used: {error}"
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context


def shows_certificate(connection: object) -> bool:
    """Whether the peer of a connection (its `SSLObject`) has shown a certificate of the authority.

    The handshake has checked it.
    """
    return isinstance(connection, ssl.SSLObject) and bool(connection.getpeercert())
