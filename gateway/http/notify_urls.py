"""Reads the URLs to which clients want the end of a job to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.keys import SETTINGS
from shared.errors import InvalidInput
from shared.jobs.notification import MAX_URLS

if TYPE_CHECKING:
    from aiohttp import web

FIELD = "notify"


def read_notify(request: web.Request, value: object) -> tuple[str, ...]:
    """Return the URLs of `[{"url": "https://..."}, ...]` in a body, each once; None is no URL.

    Raises InvalidInput, and AddressRefused for a URL that this service sends nothing to.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidInput(f'{FIELD} is {value!r}; send [{{"url": "https://..."}}]', field=FIELD)
    urls = []
    for number, each in enumerate(value):
        if not isinstance(each, dict) or set(each) != {"url"} or not isinstance(each["url"], str):
            # Not shown, as a URL may contain a secret.
            raise InvalidInput(
                f'{FIELD}[{number}] is not {{"url": "https://..."}}', field=f"{FIELD}[{number}]"
            )
        urls.append(each["url"])
    return _checked(request, urls)


def notify_in_query(request: web.Request) -> tuple[str, ...]:
    """Return the URLs of `?notify=`, which may be repeated. Raises as `read_notify`."""
    return _checked(request, request.query.getall(FIELD, []))


def _checked(request: web.Request, urls: list[str]) -> tuple[str, ...]:
    policy = request.app[SETTINGS].outgoing_policy()
    found = dict.fromkeys(
        str(policy.check(url, field=f"{FIELD}[{number}]")) for number, url in enumerate(urls)
    )
    if len(found) > MAX_URLS:
        raise InvalidInput(f"{FIELD} has {len(found)} URLs; send at most {MAX_URLS}", field=FIELD)
    return tuple(found)
