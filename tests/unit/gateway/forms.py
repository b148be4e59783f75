"""multipart/form-data bodies written by hand, so that tests control every byte."""

from __future__ import annotations

from dataclasses import dataclass

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


@dataclass(frozen=True)
class FormBody:
    """An encoded form."""

    content: bytes
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"

    @classmethod
    def of(cls, *parts: tuple[str, str] | tuple[str, bytes, str]) -> FormBody:
        """Return a form of parts in order: `(name, value)` or `(name, bytes, parameters)`."""
        content = b""
        for name, value, *parameters in parts:
            body = value.encode() if isinstance(value, str) else value
            disposition = "; ".join(["form-data", f'name="{name}"', *map(str, parameters)])
            content += (
                f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
                + body
                + b"\r\n"
            )
        return cls(content + f"--{BOUNDARY}--\r\n".encode())

    def cut(self, length: int) -> FormBody:
        """Return only the first `length` bytes."""
        return FormBody(self.content[:length], self.content_type)
