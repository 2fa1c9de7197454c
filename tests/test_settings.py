"""Settings: defaults, the environment over them, and a clear word about every wrong one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.settings import PREFIX, STARS, Settings, load, rows


def test_defaults_are_valid_and_every_setting_says_what_it_is() -> None:
    settings = load({})
    assert settings == Settings()
    assert len(rows(settings)) == len(fields(Settings))
    assert all(len(help_) > 10 for *_, help_ in rows(settings))


def test_the_environment_wins() -> None:
    settings = load(
        {
            "TRYON_PORT": " 9000 ",
            "TRYON_DATA": "/srv/tryon",
            "TRYON_CORS_ORIGINS": "https://a.example, https://b.example",
        }
    )
    assert settings.port == 9000
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.runtime == Path("/srv/tryon/run")
    assert settings.engine_address == "unix:/srv/tryon/run/engine.sock"


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("PORT", "eighty", "not a number"),
        ("PORT", "70000", "from 0 to 65535"),
        ("DRAIN", "nan", "from 0"),
        ("BATCH_SHARE", "1.5", "0.9"),
        ("LOG_LEVEL", "loud", "no level"),
        ("WORKERS", "2", "TRYON_REDIS_URL"),
        ("ENGINE_CERT", "cert.pem", "go together"),
        ("STORE_URL", "s3://photos", "index"),
    ],
)
def test_nonsense_is_named(variable: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load({PREFIX + variable: text})
    assert caught.value.field in (PREFIX + variable, "TRYON_INDEX_URL")


def test_secrets_are_starred() -> None:
    secret = "redis://:hunter2@cache/0"
    shown = rows(load({"TRYON_REDIS_URL": secret, "TRYON_SECRETS": "a:c2VjcmV0", "TRYON_WORKERS": "2"}))
    assert not any("hunter2" in cell or "c2VjcmV0" in cell for row in shown for cell in row)
    assert {name: value for name, _, value, _ in shown}["redis_url"] == STARS
