"""The form of API keys, and when one is valid."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import replace

import pytest

from shared.access.keys import ALPHABET, ApiKey, NotAKey, key_name, new_key, parse_key
from shared.access.principal import Principal, Scope
from shared.access.tenant import Tenant


def test_a_key_has_an_id_a_secret_of_256_bits_and_a_checksum() -> None:
    keys = [new_key() for _ in range(200)]
    for key in keys:
        found = re.fullmatch(
            r"csvmill_([0-9A-Za-z]{10})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", key.text
        )
        assert found is not None
        assert found[1] == key.id
        number = 0
        for character in found[3]:
            number = number * 62 + ALPHABET.index(character)
        assert number == zlib.crc32(key.text[:-6].encode())
        assert parse_key(key.text) == key
    assert 62**43 > 2**256
    assert len({key.id for key in keys} | {key.text[-49:-6] for key in keys}) == 400
    used = {character for key in keys for character in key.text[-49:-6]}
    assert used == set(ALPHABET)


def test_every_typing_error_of_one_character_is_found_and_the_key_is_not_shown() -> None:
    text = new_key().text
    for place in range(len(text)):
        for other in "0aZ_ \u00e9":
            if other == text[place]:
                continue
            wrong = text[:place] + other + text[place + 1 :]
            with pytest.raises(NotAKey) as error:
                parse_key(wrong)
            assert wrong not in str(error.value)
            assert text[20:40] not in str(error.value)


@pytest.mark.parametrize("text", ["", "csvmill_", "csvmill__", "secret", " " * 68, "\ud800"])
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(NotAKey):
        parse_key(text)
    with pytest.raises(NotAKey):
        parse_key(new_key().text + text + "x")


def test_the_digest_is_the_sha_256_of_the_whole_key_which_repr_hides() -> None:
    key = new_key("abcdefghij")
    assert key.id == "abcdefghij"
    assert key.digest == hashlib.sha256(key.text.encode()).hexdigest()
    assert key.text[20:] not in repr(key)


def test_a_key_is_valid_until_it_expires_or_is_revoked() -> None:
    text = new_key()
    key = ApiKey(text.id, Tenant("acme"), "x", frozenset({Scope.READ}), text.digest, 1.0)
    assert key.is_valid(1e12)
    assert replace(key, expires_at=5.0).is_valid(4.9)
    assert not replace(key, expires_at=5.0).is_valid(5.0)
    assert not replace(key, revoked_at=1.0).is_valid(0.5)
    assert key.matches(text.digest, 2.0)
    assert not key.matches(new_key(text.id).digest, 2.0)
    assert not key.matches("", 2.0)
    assert key.principal == Principal(Tenant("acme"), frozenset({Scope.READ}), text.id)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 101, "\0"])
def test_a_name_is_one_line(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 characters in one line"):
        key_name(name)
    assert key_name("nightly import") == "nightly import"
