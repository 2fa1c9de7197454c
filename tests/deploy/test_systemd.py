"""The units for a machine without containers: their settings, how they stop, and how little they may do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tryon_service.cli.main import build_parser
from tryon_service.settings import OTHER_VARIABLES, load

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
NAMES = ("tryon-engine", "tryon-gateway")
MOST_EXPOSED = 20
"""Tenths, of 100: what `systemd-analyze security` calls OK ends at 49."""


def service(name: str) -> dict[str, list[str]]:
    """Every value of each key in [Service], in order."""
    text = (UNITS / f"{name}.service").read_text().partition("[Service]")[2].partition("[Install]")[0]
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def environ(name: str, secrets: Path) -> dict[str, str]:
    pairs = dict(one.split("=", 1) for one in service(name)["Environment"])
    return {key: value.replace("%d", str(secrets)) for key, value in pairs.items() if key not in OTHER_VARIABLES}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "secrets").write_text("a:" + "A" * 43 + "=")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_its_command_and_settings_are_understood(name: str, secrets: Path) -> None:
    program, *words = service(name)["ExecStart"][0].split()
    assert program == "/opt/tryon/bin/tryon"
    assert build_parser().parse_args(words).command == name.removeprefix("tryon-")
    settings = load(environ(name, secrets))
    assert settings.secrets
    (state,), (runtime,) = service(name)["StateDirectory"], service(name)["RuntimeDirectory"]
    assert (str(settings.data), str(settings.runtime)) == (f"/var/lib/{state}", f"/run/{runtime}")
    assert int(service(name)["TimeoutStopSec"][0]) >= settings.drain + 10
    assert service(name)["RestartPreventExitStatus"] == ["2"]


def test_both_are_one_user_who_meets_at_the_engines_socket(secrets: Path) -> None:
    assert {one for name in NAMES for one in service(name)["User"]} == {"tryon"}
    assert "u tryon " in (UNITS / "tryon.conf").read_text()
    (address,) = {load(environ(name, secrets)).engine_address for name in NAMES}
    assert address == f"unix:/run/{service('tryon-engine')['RuntimeDirectory'][0]}/engine.sock"
    assert {one for name in NAMES for one in service(name)["RuntimeDirectoryMode"]} == {"0700"}, "or it is refused"


def test_no_secret_is_in_a_unit() -> None:
    for name in NAMES:
        assert service(name)["LoadCredential"] == ["secrets:/etc/tryon/secrets"]
        assert "TRYON_SECRETS_FILE=%d/secrets" in service(name)["Environment"]


@pytest.mark.parametrize("name", NAMES)
def test_systemd_understands_the_unit_and_finds_it_closed(name: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze: the units were not verified")
    unit = tmp_path / f"{name}.service"
    text = (UNITS / unit.name).read_text()
    unit.write_text(text.replace("/opt/tryon/bin/tryon", "/bin/true").replace("Wants=tryon-engine.service\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:]
