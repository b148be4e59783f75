"""The encodings in which a file may be, with their names and their codecs.

Those of one byte a character are all that Python has, if they have ASCII whole and no character
twice: not those of IBM's mainframes, nor cp864, cp1006, Mac Arabic and Mac Farsi. For those of
several bytes see decision 32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

_ENCODINGS: dict[Encoding, tuple[str, str]] = {
    "utf-16-le": ("UTF-16", "utf-16-le"),
    "utf-16-be": ("UTF-16", "utf-16-be"),
    "latin-1": ("Latin-1", "latin-1"),
    "windows-1252": ("Windows-1252", "cp1252"),
    "windows-1250": ("Windows-1250", "cp1250"),
    "windows-1251": ("Windows-1251", "cp1251"),
    "windows-1253": ("Windows-1253", "cp1253"),
    "windows-1254": ("Windows-1254", "cp1254"),
    "windows-1255": ("Windows-1255", "cp1255"),
    "windows-1256": ("Windows-1256", "cp1256"),
    "windows-1257": ("Windows-1257", "cp1257"),
    "windows-1258": ("Windows-1258", "cp1258"),
    "iso-8859-2": ("ISO-8859-2", "iso8859_2"),
    "iso-8859-3": ("ISO-8859-3", "iso8859_3"),
    "iso-8859-4": ("ISO-8859-4", "iso8859_4"),
    "iso-8859-5": ("ISO-8859-5", "iso8859_5"),
    "iso-8859-6": ("ISO-8859-6", "iso8859_6"),
    "iso-8859-7": ("ISO-8859-7", "iso8859_7"),
    "iso-8859-8": ("ISO-8859-8", "iso8859_8"),
    "iso-8859-9": ("ISO-8859-9", "iso8859_9"),
    "iso-8859-10": ("ISO-8859-10", "iso8859_10"),
    "iso-8859-11": ("ISO-8859-11", "iso8859_11"),
    "iso-8859-13": ("ISO-8859-13", "iso8859_13"),
    "iso-8859-14": ("ISO-8859-14", "iso8859_14"),
    "iso-8859-15": ("ISO-8859-15", "iso8859_15"),
    "iso-8859-16": ("ISO-8859-16", "iso8859_16"),
    "koi8-r": ("KOI8-R", "koi8_r"),
    "koi8-u": ("KOI8-U", "koi8_u"),
    "mac-roman": ("Mac Roman", "mac_roman"),
    "cp437": ("cp437", "cp437"),
    "cp850": ("cp850", "cp850"),
    "cp866": ("cp866", "cp866"),
    "cp720": ("cp720", "cp720"),
    "cp737": ("cp737", "cp737"),
    "cp775": ("cp775", "cp775"),
    "cp852": ("cp852", "cp852"),
    "cp855": ("cp855", "cp855"),
    "cp856": ("cp856", "cp856"),
    "cp857": ("cp857", "cp857"),
    "cp858": ("cp858", "cp858"),
    "cp860": ("cp860", "cp860"),
    "cp861": ("cp861", "cp861"),
    "cp862": ("cp862", "cp862"),
    "cp863": ("cp863", "cp863"),
    "cp865": ("cp865", "cp865"),
    "cp869": ("cp869", "cp869"),
    "cp1125": ("cp1125", "cp1125"),
    "windows-874": ("Windows-874", "cp874"),
    "tis-620": ("TIS-620", "tis_620"),
    "koi8-t": ("KOI8-T", "koi8_t"),
    "kz-1048": ("KZ-1048", "kz1048"),
    "ptcp154": ("PTCP154", "ptcp154"),
    "hp-roman8": ("HP Roman-8", "hp_roman8"),
    "palmos": ("Palm OS", "palmos"),
    "mac-latin2": ("Mac Latin-2", "mac_latin2"),
    "mac-croatian": ("Mac Croatian", "mac_croatian"),
    "mac-romanian": ("Mac Romanian", "mac_romanian"),
    "mac-cyrillic": ("Mac Cyrillic", "mac_cyrillic"),
    "mac-greek": ("Mac Greek", "mac_greek"),
    "mac-turkish": ("Mac Turkish", "mac_turkish"),
    "mac-iceland": ("Mac Icelandic", "mac_iceland"),
    # As Windows has them, with characters that the standards lack.
    "shift-jis": ("Shift-JIS", "cp932"),
    "euc-jp": ("EUC-JP", "euc_jp"),
    "gb18030": ("GB18030", "gb18030"),
    "big5": ("Big5", "cp950"),
    "euc-kr": ("EUC-KR", "cp949"),
}
"""The name in messages and the codec of each encoding but UTF-8."""

ENCODING_NAMES: dict[Encoding, str] = {
    "utf-8": "UTF-8",
    **{encoding: name for encoding, (name, _) in _ENCODINGS.items()},
}
"""The names of the encodings in messages."""

NOT_READ: dict[Encoding, str] = {
    "euc-jp": ": characters of vendors, as in eucJP-ms and CP51932, are not read: save the file as "
    "UTF-8",
    "big5": ": characters of Hong Kong, as in Big5-HKSCS, are not read: save the file as UTF-8",
}
"""What an encoding lacks that files which are said to be in it have, and what to do."""

CODECS: dict[Encoding, str] = {encoding: codec for encoding, (_, codec) in _ENCODINGS.items()}
"""The codec of each encoding but UTF-8."""
MULTI_BYTE: tuple[Encoding, ...] = ("shift-jis", "euc-jp", "gb18030", "big5", "euc-kr")
"""The encodings in which a character has up to four bytes, the first of which is not ASCII. ASCII
is the same in all of them, but later bytes of a character may be those of ASCII too."""
SINGLE_BYTE = tuple(
    name for name in CODECS if not name.startswith("utf") and name not in MULTI_BYTE
)
"""The encodings in which each character has one byte. ASCII is the same in all of them."""
