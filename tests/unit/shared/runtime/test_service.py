"""The settings of a service: errors name the environment variable."""

from __future__ import annotations

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.service import settings_or_exit


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CSVMILL_", populate_by_name=True)

    port: int = 1
    interval: float = Field(
        default=1.0, validation_alias=AliasChoices("CSVMILL_INTERVAL", "CSVMILL_OLD_INTERVAL")
    )


@pytest.mark.parametrize("variable", ["CSVMILL_PORT", "CSVMILL_INTERVAL"])
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "secret")
    with pytest.raises(SystemExit) as exit_:
        settings_or_exit(_Settings, "service")
    assert str(exit_.value).startswith(f"csvmill service: {variable}: Input should be")
    assert "secret" not in str(exit_.value)
