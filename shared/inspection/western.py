"""Decide whether text that is not UTF-8 is in Windows-1252 or Latin-1, as it is in the West.

Every byte is a character of a single-byte encoding, so that text in Shift-JIS or Mac Roman can be
read as Windows-1252, with wrong letters. Such text is recognized by these letters: other writing
systems than Latin in `writing`, other encodings of Latin text here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.encodings import CODECS, ENCODING_NAMES
from shared.inspection.writing import certain_fit, fits, unread_kin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Encoding
    from shared.inspection.writing import Fit

_KNOWN = {
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp437": "cp437",
    "cp850": "cp850",
    "cp852": "cp852",
    "iso8859_2": "ISO-8859-2",
    "mac_latin2": "Mac Latin-2",
    "mac_roman": "Mac Roman",
}
"""Other encodings of CSV files, and their names in messages."""
_WESTERN = ("cp1252", "latin_1")
_RARE = ("cp852", "mac_latin2")
_LIKE_WESTERN = ("cp1254", *_RARE)
"""Encodings whose texts may be Windows-1252 too: the frequencies of their letters decide."""
_EXAMINED = 32 << 10
"""Bytes of lines with other characters than ASCII that are examined."""
_MORE_COHERENT = 0.09
_SHOWN = 3
_SIGNS = re.compile(
    rb"(?<![\x80-\xff])[\x80\x85\x91-\x97\x99\xa0\xa1\xa3\xa7\xa9-\xab\xae\xb0-\xb5\xb7\xba-\xbf](?![\x80-\xff])"
)
"""A sign such as the euro, a quote or a degree, which is no evidence."""
_STRANGE = re.compile(
    # Where a letter is expected: Mac Roman, cp437 and cp850 have common letters here.
    rb"(?<=[A-Za-z])[\x81-\x84\x86-\x90\x98\x9a-\x9f]"
    rb"|(?<![A-Za-z\x80-\xff])[\x81\x83\x86-\x88\x8a\x8c-\x90\x98\x9a\x9c-\x9f](?=[a-z])"
    rb"|(?<=[A-Za-z])[\xa1-\xac\xae\xaf\xb1-\xb3\xb5\xb6\xb8-\xbf](?=[a-z])"
    # Beside another such byte: encodings of two bytes.
    rb"|[\x81-\x84\x86-\x90\x98\x9a-\x9f][\x80-\xff]"
    rb"|[\x80-\xff][\x81-\x84\x86-\x90\x98\x9a-\x9f]"
)
"""Bytes that are signs or rare letters in Windows-1252, but not where they are common."""
_LETTERS = re.compile(rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff]")
_CAPITALS = re.compile(rb"(?<=[A-Z])[\xc0-\xdc](?=[A-Z])")
"""Letters within words of capitals, in which all letters are rare."""
_WORDS = re.compile(rb"[\x80-\xff]{4,}")
"""Words without a letter of ASCII, such as Greek, Cyrillic, Chinese and Korean."""
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Which encodings a text may be in, by their names in messages."""

    more_likely: Sequence[str] = ()
    """Those that are more likely than Windows-1252; none if it is the likeliest."""
    runner_up: str = ""
    """The likeliest of those in which the text has other letters; empty if there is none."""
    unread: str = ""
    """The encoding in which the text probably is, if it is one that is not read; else empty."""
    certain: Encoding | None = None
    """The one in which the text is, if there is hardly a doubt."""


def compare_with_western(text: bytes) -> Likelihood:
    """Return how likely other encodings are than Windows-1252.

    `text` has bytes that are not ASCII, and is not UTF-8.
    """
    if len(text) > _EXAMINED:
        lines = (line for line in text.splitlines(keepends=True) if not line.isascii())
        text = b"".join(lines)[:_EXAMINED]
    if _SIGNS.sub(b"", text).isascii():
        return Likelihood()
    if unread := unread_kin(text):
        return Likelihood(unread=unread)
    others = fits(text)
    if others:
        return _of_writing(text, others)
    # Imported here, as it is rarely needed.
    from charset_normalizer import from_bytes

    matches = list(from_bytes(text, cp_isolation=[*_WESTERN, *_KNOWN]))
    names = [_KNOWN[match.encoding] for match in matches if match.encoding in _KNOWN][:_SHOWN]
    western = next((m for m in matches if set(_WESTERN) & set(m.could_be_from_charset)), None)
    letters, strange = len(_LETTERS.findall(text)), len(_STRANGE.findall(text))
    capitals = len(_CAPITALS.findall(text))
    if matches and western is None and (strange or not capitals or 3 * capitals < letters):
        return Likelihood(names)
    if strange > letters:
        return Likelihood([_KNOWN[name] for name in ("mac_roman", "cp850", "cp437")])
    if 2 * sum(map(len, _WORDS.findall(text))) > len(_NOT_ASCII.findall(text)):
        return Likelihood([*_titles(text, fits(text, least=0)), *names][:_SHOWN])
    if western is not None and any(
        match.encoding in _LIKE_WESTERN and match.coherence >= western.coherence + _MORE_COHERENT
        for match in matches[: matches.index(western)]
    ):
        return Likelihood(names)
    as_western = text.decode(_WESTERN[0], "replace")
    runners_up = (
        match.encoding
        for match in sorted(matches, key=lambda match: match.encoding in _RARE)
        if match.encoding in _KNOWN and text.decode(match.encoding, "replace") != as_western
    )
    runner_up = next(runners_up, None)
    return Likelihood(runner_up="" if runner_up is None else _KNOWN[runner_up])


def _of_writing(text: bytes, found: Sequence[Fit]) -> Likelihood:
    titles = _titles(text, found)
    if encoding := certain_fit(found):
        return Likelihood(certain=encoding, runner_up=titles[1] if len(titles) > 1 else "")
    return Likelihood(titles[:_SHOWN])


def _titles(text: bytes, found: Sequence[Fit]) -> list[str]:
    """Return the names of encodings, but one of those in which the text is the same."""
    titles = {
        text.decode(CODECS[fit.encoding], "ignore"): ENCODING_NAMES[fit.encoding]
        for fit in reversed(found)
    }
    return list(reversed(titles.values()))
