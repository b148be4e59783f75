"""The model of `input.encoding` in a spec, and the other names of encodings."""

from __future__ import annotations

import codecs
import re
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator

from shared.aggregation.json_names import named
from shared.csv.dialect import Encoding
from shared.csv.encodings import CODECS, SINGLE_BYTE

_OTHER_NAMES = {
    "shift-jis": "shift_jis shiftjis sjis ms932 cp932 windows_932 windows_31j",
    "euc-jp": "euc_jp eucjp",
    "gb18030": "gb_18030 gbk gb2312 gb_2312 cp936 windows_936 euc_cn",
    "big5": "big_5 big5_tw cp950 windows_950",
    "euc-kr": "euc_kr euckr uhc cp949 windows_949 ks_c_5601_1987",
}
_ENCODING_NAMES = {
    other: name
    for name in SINGLE_BYTE
    for other in (
        name.replace("-", "_"),
        name.replace("windows-", "cp"),
        name.replace("-", ""),
        re.sub("^cp", "ibm", name),
    )
} | {other: name for name, others in _OTHER_NAMES.items() for other in others.split()}
"""Other names of encodings, with `_` in place of `-`."""
_NOT_READ = {
    "EUC-JP with characters of vendors": "eucjp_ms eucjpms euc_jp_ms cp51932 windows_51932",
    "Big5-HKSCS": "big5_hkscs big5hkscs hkscs cp951 big5_hk",
}
_REFUSED = {name: title for title, names in _NOT_READ.items() for name in names.split()}
"""Encodings that are known, but not read, with `_` in place of `-`."""
_MAX_NAME = 40
"""Characters of a name that is looked up."""
_USUAL = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "windows-1252")
_OF_CODECS: dict[str, Encoding] = {
    codecs.lookup(codec).name: encoding for encoding, codec in CODECS.items()
} | {"utf-8": "utf-8", "utf-8-sig": "utf-8"}
"""The encoding of each codec of Python, which knows further names."""


def _squeezed(name: str) -> str:
    return re.sub("[-_ ]", "", name.lower())


_SQUEEZED = {_squeezed(other): name for other, name in _ENCODING_NAMES.items()}


def _readable(given: Any) -> Any:
    """Return the encoding that a name stands for. Raises ValueError with what to send."""
    if not isinstance(given, str) or given in _ENCODINGS:
        return given
    if title := _REFUSED.get(given.lower().replace("-", "_")):
        raise ValueError(f"{title} is not read: save the file as UTF-8, and set utf-8")
    if encoding := _SQUEEZED.get(_squeezed(given)) or _of_python(given):
        return encoding
    close = get_close_matches(given.lower()[:_MAX_NAME], _ENCODINGS, n=2)
    if close:
        raise ValueError(f"did you mean {' or '.join(map(repr, close))}?")
    usual = ", ".join(map(repr, _USUAL))
    raise ValueError(f"send {usual} or another of the {len(_ENCODINGS)} that docs/csv.md lists")


def _of_python(given: str) -> Encoding | None:
    if len(given) > _MAX_NAME or not given.isascii():
        return None
    try:
        return _OF_CODECS.get(codecs.lookup(given).name)
    except (LookupError, ValueError):
        return None


_ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
EncodingIn = Annotated[
    Encoding,
    BeforeValidator(_readable),
    named(
        utf8="utf-8",
        utf_8="utf-8",
        utf_8_sig="utf-8",
        utf_16_le="utf-16-le",
        utf_16le="utf-16-le",
        utf_16_be="utf-16-be",
        utf_16be="utf-16-be",
        iso_8859_1="latin-1",
        **_ENCODING_NAMES,
    ),
]
