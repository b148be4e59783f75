"""multipart/form-data bodies written by hand, so that tests say each byte of them."""

from __future__ import annotations

from dataclasses import dataclass

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


@dataclass(frozen=True)
class FormBody:
    """A form as it travels."""

    content: bytes
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"

    @classmethod
    def of(cls, *parts: tuple[str, str] | tuple[str, bytes, str]) -> FormBody:
        """Parts in this order: `(name, value)` or `(name, bytes, further parameters)`."""
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
        """Only the first `length` bytes."""
        return FormBody(self.content[:length], self.content_type)
