"""Settings: defaults, the environment over them, and a clear word about every wrong one."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.settings import OTHER_VARIABLES, PREFIX, STARS, Settings, load, rows, variables


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
        ("PORT", "eighty", "not a whole number"),
        ("DRAIN", "soon", "not a number from 0.0 to 600.0"),
        ("PORT", "70000", "from 0 to 65535"),
        ("DRAIN", "nan", "from 0"),
        ("BATCH_SHARE", "1.5", "0.9"),
        ("LOG_LEVEL", "loud", "no level"),
        ("WORKERS", "2", "TRYON_REDIS_URL"),
        ("ENGINE_KEY", "key.pem", "go together"),
        ("PORT", "80.5", "not a whole number from 0 to 65535"),
        ("PORT", "tcp://10.0.0.7:80", "enableServiceLinks: false"),
        ("INDEX_URL", "redis://cache", "photos elsewhere"),
        ("REDIS_URL", "cache:6379", "not a redis://"),
        ("PUBLIC_URL", "tryon.example", "https://tryon.example"),
        ("CORS_ORIGINS", "https://a.example, https://b.example/", "without a path"),
        ("ENGINE", "engine", "host:50051"),
        ("ENGINE", "engine:70000", "host:50051"),
        ("ENGINE_CA", "ca.pem", "TLS is for TCP"),
    ],
)
def test_nonsense_is_named(variable: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load({PREFIX + variable: text})
    field = {"ENGINE_KEY": "ENGINE_CERT", "INDEX_URL": "STORE_URL"}.get(variable, variable)
    assert caught.value.field == PREFIX + field


def test_photos_elsewhere_need_an_index_there() -> None:
    with pytest.raises(InputError, match="index elsewhere") as caught:
        load({"TRYON_STORE_URL": "s3://photos"})
    assert caught.value.field == "TRYON_INDEX_URL"


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("TRYON_PROT", "Did you mean TRYON_PORT?"),
        ("TRYON_REDIS_URL_FIEL", "Did you mean TRYON_REDIS_URL_FILE?"),
        ("TRYON_ZOO_DRI", "Did you mean TRYON_ZOO_DIR?"),
        ("TRYON_PORT_FILE", "Only secrets may lie in files; set TRYON_PORT itself."),
        ("TRYON_XYZZY", "'tryon settings' lists"),
        ("TRYON_GATEWAY_PORT", "no such setting"),
    ],
)
def test_a_misspelt_name_is_an_error(variable: str, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        load({variable: "1"})
    assert caught.value.field == variable


def test_others_may_have_variables_of_their_own() -> None:
    links = {
        "TRYON_SERVICE_HOST": "10.0.0.7",
        "TRYON_SERVICE_PORT": "80",
        "TRYON_SERVICE_PORT_HTTP": "80",
        "TRYON_PORT_80_TCP": "tcp://10.0.0.7:80",
        "TRYON_ENGINE_PORT": "tcp://10.0.0.8:50051",
        "TRYON_ENGINE_PORT_50051_TCP_ADDR": "10.0.0.8",
        "TRYON_REDIS_SERVICE_HOST": "10.0.0.9",
    }
    assert load({**links, **dict.fromkeys(OTHER_VARIABLES, "x"), "TRYONS": "1"}) == Settings()


def test_what_is_empty_is_not_set() -> None:
    assert load(dict.fromkeys(variables(), " ")) == Settings()


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://:hunter2@cache/0\n")
    assert load({"TRYON_REDIS_URL_FILE": str(file)}).redis_url == "redis://:hunter2@cache/0"
    assert load({"TRYON_REDIS_URL_FILE": str(file), "TRYON_REDIS_URL": ""}).redis_url, "an empty one is not set"


@pytest.mark.parametrize("fault", ["both", "absent", "folder", "pipe", "empty", "binary", "large"])
def test_a_secrets_file_that_can_not_be_used_is_named(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "secret"
    content = {"empty": b" \n", "binary": b"\xff\xfe", "large": b"a" * 70_000, "both": b"redis://hunter2"}.get(fault)
    if content is not None:
        file.write_bytes(content)
    elif fault == "folder":
        file.mkdir()
    elif fault == "pipe":
        os.mkfifo(file)
    given = {"TRYON_REDIS_URL_FILE": str(file), **({"TRYON_REDIS_URL": "redis://hunter2"} if fault == "both" else {})}
    with pytest.raises(InputError) as caught:
        load(given)
    assert caught.value.field == "TRYON_REDIS_URL_FILE"
    assert "hunter2" not in caught.value.public_text
    assert fault == "both" or str(file) in caught.value.detail


def test_secrets_are_starred() -> None:
    secret = "redis://:hunter2@cache/0"
    shown = rows(load({"TRYON_REDIS_URL": secret, "TRYON_SECRETS": "a:c2VjcmV0", "TRYON_WORKERS": "2"}))
    assert not any("hunter2" in cell or "c2VjcmV0" in cell for row in shown for cell in row)
    assert {name: value for name, _, value, _ in shown}["redis_url"] == STARS
