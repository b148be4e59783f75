"""The order of servers for a key."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from shared.blobs.blob import upload_key
from shared.blobs.servers.ranking import ranked

SERVERS = ["http://a", "http://b", "http://c"]
KEYS = [upload_key(UUID(int=number)) for number in range(3000)]


def test_every_server_is_first_for_a_fair_part_of_the_keys() -> None:
    firsts = Counter(ranked(key, SERVERS, str)[0] for key in KEYS)
    assert all(900 < firsts[server] < 1100 for server in SERVERS)


def test_the_order_does_not_depend_on_the_order_of_the_setting() -> None:
    assert all(ranked(key, SERVERS, str) == ranked(key, SERVERS[::-1], str) for key in KEYS)


def test_only_the_keys_of_a_removed_server_change_their_first_server() -> None:
    for key in KEYS:
        first, second, _ = ranked(key, SERVERS, str)
        rest = [server for server in SERVERS if server != "http://b"]
        assert ranked(key, rest, str)[0] == (second if first == "http://b" else first)
