"""A misspelt setting is told, and every setting is known."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from pydantic import AliasChoices
from pydantic_settings import BaseSettings

import csvmill.standalone.settings
import gateway.settings
import processor.settings
import storage.settings
from shared.runtime.unknown_settings import KNOWN, unknown_settings

ROOT = Path(__file__).parents[4]
SETTINGS = (gateway.settings, storage.settings, processor.settings, csvmill.standalone.settings)


def names_of(kind: type[BaseSettings]) -> set[str]:
    found = set()
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            found |= set(map(str, alias.choices))
        else:
            found.add(f"CSVMILL_{name}".upper() if alias is None else str(alias))
    return found


def test_every_setting_is_known_and_the_example_and_the_documentation_have_no_others() -> None:
    kinds = {
        kind
        for module in SETTINGS
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BaseSettings) and kind is not BaseSettings
    }
    assert len(kinds) > len(SETTINGS)
    settings = set().union(*map(names_of, kinds))
    assert settings == {name for name in settings if name.removeprefix("CSVMILL_") in KNOWN}
    documents = [ROOT / ".env.example", ROOT / "docker-compose.yml", *(ROOT / "docs").glob("*.md")]
    for document in documents:
        used = set(re.findall(r"\bCSVMILL_[A-Z0-9_]*[A-Z]", document.read_text(encoding="utf-8")))
        assert unknown_settings(used - {"CSVMILL_TENANT_MAX"}) == [], document


def test_a_misspelt_setting_is_told_with_the_nearest_name() -> None:
    variables = {
        "CSVMILL_MAX_UPLOADSIZE": "1", "CSVMILL_PORT": "1", "CSVMILL_DATABASE_URL_FILE": "x",
        "CSVMILL_TEST_KERNEL": "1", "PATH": "/bin", "CSVMILL_QQQ": "1",
    }  # fmt: skip
    misspelt, other = unknown_settings(variables)
    assert misspelt == (
        "CSVMILL_MAX_UPLOADSIZE is set, and there is no such setting; did you mean "
        "CSVMILL_MAX_UPLOAD_SIZE?"
    )
    assert other == "CSVMILL_QQQ is set, and there is no such setting"
