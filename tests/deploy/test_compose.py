"""compose.yaml: what is promised of one machine, and that its settings and files are those of the service."""

from __future__ import annotations

import base64
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_images import environment, last_stage, only

from tryon_service import __version__
from tryon_service.keyring import Keyring
from tryon_service.preflight import check_memory
from tryon_service.settings import OTHER_VARIABLES, Settings, load

DEPLOY = Path(__file__).parents[2] / "deploy"
OURS = ("engine", "gateway")
MEGABYTES = {"m": 1, "g": 1024}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """With its variables at their defaults."""
    return dict(interpolated(yaml.safe_load((DEPLOY / "compose.yaml").read_text())))


def interpolated(value: Any) -> Any:
    """Where a variable has no default, an empty text stands."""
    if isinstance(value, dict):
        return {key: interpolated(one) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda found: found[1] or "", value)
    return value


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    subprocess.run([DEPLOY / "compose" / "make-secrets", folder], check=True, capture_output=True)
    return folder


def settings_of(service: dict[str, Any], secrets: Path, **others: str) -> Settings:
    """What the service would read, with the secrets' files where they lie here."""
    environ = {**environment(last_stage(_image(service))), **service["environment"], **others}
    here = {name: value.replace("/run/secrets", str(secrets)) for name, value in environ.items()}
    return load({name: value for name, value in here.items() if name not in OTHER_VARIABLES})


def _image(service: dict[str, Any]) -> str:
    return str(service["image"]).partition(":")[0].removeprefix("tryon-")


def test_it_is_a_compose_file() -> None:
    if not shutil.which("check-jsonschema"):
        pytest.skip("no check-jsonschema (pip install check-jsonschema): compose.yaml was not held against the schema")
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_every_container_may_do_little(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "cpus", "pids_limit", "logging"} <= set(service), name
        assert any(one.startswith("/tmp:") for one in service["tmpfs"]), name
        assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & set(service), name


def test_nobody_reaches_the_engine_and_it_reaches_nobody(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["gateway"]
    assert all(one.startswith("127.0.0.1:") for one in services["gateway"]["ports"])
    for name, service in services.items():
        ways_out = [one for one in service["networks"] if not (compose["networks"][one] or {}).get("internal")]
        assert ways_out == (["edge"] if name == "gateway" else []), name


def test_both_use_the_socket_that_they_share(compose: dict[str, Any], secrets: Path) -> None:
    seen = {name: settings_of(compose["services"][name], secrets) for name in OURS}
    (address,) = {one.engine_address for one in seen.values()}
    folder = str(Path(address.removeprefix("unix:")).parent)
    mounts = {name: dict(one.split(":") for one in compose["services"][name]["volumes"]) for name in OURS}
    assert {one for name in OURS for one, where in mounts[name].items() if where == folder} == {"socket"}
    assert {only(last_stage(name), "USER") for name in OURS} == {"10001:10001"}, "the kernel asks for one and the same"
    for name in OURS:
        assert set(mounts[name].values()) == {str(seen[name].data), folder}
        assert set(mounts[name]) <= set(compose["volumes"])
    assert seen["engine"].secrets == seen["gateway"].secrets != ""


def test_their_limits_hold_what_their_settings_allow(compose: dict[str, Any], secrets: Path) -> None:
    for name, others in (("engine", {}), ("gateway", {}), ("gateway", {"TRYON_WORKERS": "2"})):
        service = compose["services"][name]
        url = {"TRYON_REDIS_URL_FILE": "/run/secrets/redis_url"} if others else {}
        limit = int(service["mem_limit"][:-1]) * MEGABYTES[service["mem_limit"][-1]] << 20
        settings = settings_of(service, secrets, **others, **url)
        check_memory(settings, limit, engine=name == "engine", gateway=name == "gateway")
        assert int(service["stop_grace_period"][:-1]) >= settings.drain + 10


def test_the_profiles_settings_are_taken(compose: dict[str, Any], secrets: Path) -> None:
    example = (DEPLOY / "compose" / "example.env").read_text()
    given = dict(re.findall(r"^#? ?([A-Z_0-9]+)=(.*)$", example, re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text())) == set(given) - {"COMPOSE_PROFILES"}
    wanted = {name: value for name, value in given.items() if name.startswith("TRYON_") and value}
    profiles = {one for service in compose["services"].values() for one in service.get("profiles", ())}
    assert profiles == set(re.findall(r"COMPOSE_PROFILES=(\w+)", example)) == {"redis", "s3"}
    for name in OURS:
        service = compose["services"][name]
        others = {key: value for key, value in wanted.items() if key in service["environment"]}
        assert others
        settings = settings_of(service, secrets, **others)
        url = settings.index_url if name == "engine" else settings.redis_url
        assert re.fullmatch(r"redis://:[0-9a-f]{48}@redis:6379/0", url)


def test_images_of_others_are_pinned_and_ours_are_of_this_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name in OURS:
            assert service["image"] == f"tryon-{name}:{__version__}"
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        else:
            assert re.fullmatch(r"[\w/.-]+:[\w.-]+@sha256:[0-9a-f]{64}", service["image"]), name


def test_secrets_are_files_that_the_script_makes(compose: dict[str, Any], secrets: Path) -> None:
    files = {one["file"].rpartition("/")[2] for one in compose["secrets"].values()}
    assert files == {one.name for one in secrets.iterdir()}
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert not any(re.search("PASSWORD|SECRET_KEY|_TOKEN", one) for one in service.get("environment", ()))
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in secrets.iterdir()} == {0o444}
    (key,) = Keyring.parse((secrets / "tryon_secrets").read_text(), "test").keys
    assert len(key.secret) == 32
    assert base64.b64encode(key.secret).decode() in (secrets / "tryon_secrets").read_text()


def test_secrets_stay_and_agree_when_they_are_made_again(secrets: Path) -> None:
    before = {one.name: one.read_text() for one in secrets.iterdir()}
    for gone in ("redis_conf", "s3_credentials"):
        (secrets / gone).unlink()
    subprocess.run([DEPLOY / "compose" / "make-secrets", secrets], check=True, capture_output=True)
    assert {one.name: one.read_text() for one in secrets.iterdir()} == before


def test_secrets_are_not_committed_and_not_sent_to_the_builder() -> None:
    assert "secrets/" in (DEPLOY / "compose" / ".gitignore").read_text().splitlines()
    ignored = (DEPLOY.parent / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not any("compose" in line for line in ignored if line.startswith("!"))
