"""Bad starts: every wrong setting is one line with its name and the cure, and nothing has been started or left behind.

In this process, because most of them are alike for all commands; tests/service/test_bad_starts.py runs some for real.
"""

from __future__ import annotations

import base64
import datetime
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tryon_service import preflight
from tryon_service.cli.main import USAGE, main
from tryon_service.errors import InputError
from tryon_service.renderers.base import RENDERERS
from tryon_service.settings import Settings
from tryon_service.zoo import manifest
from tryon_service.zoo.manifest import load_manifest
from tryon_service.zoo.store import Store, default_root

COMMANDS = ("serve", "engine", "gateway")
MB = 1 << 20
TCP = {"TRYON_ENGINE": "127.0.0.1:0"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that isn't there yet; free ports, no other settings, and enough memory."""
    for variable in [name for name in os.environ if name.startswith("TRYON_") and "ZOO" not in name]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("TRYON_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TRYON_PORT", "0")
    monkeypatch.setattr(preflight, "memory_limit", lambda: 8192 * MB)
    return tmp_path / "data"


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    """Files of a certificate, its key, and another key."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, keys[0].public_key(), 1, now, now + datetime.timedelta(9999))
    cert = built.sign(keys[0], hashes.SHA256()).public_bytes(Encoding.PEM)
    texts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys]
    for file, content in {"cert": cert, "key": texts[0], "other": texts[1], "junk": b"-----"}.items():
        (tmp_path / file).write_bytes(content)
    return {file: str(tmp_path / file) for file in ("cert", "key", "other", "junk", "absent")}


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def _children() -> set[str]:
    """Processes of this one; tests before may have left some."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def refused(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends with, on stderr."""
    before = _children()
    assert main([command]) == USAGE
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert _children() <= before, "nothing was started"
    return line


@pytest.mark.parametrize(
    ("variable", "text", "words", "commands"),
    [
        ("TRYON_PROT", "80", "Did you mean TRYON_PORT?", COMMANDS),
        ("TRYON_THREADS", "many", "from 1 to 256", COMMANDS),
        ("TRYON_DRAIN", "601", "from 0.0 to 600.0", COMMANDS),
        ("TRYON_WORKERS", "2", "TRYON_REDIS_URL", COMMANDS),
        ("TRYON_SECRETS", "a:short", "not written id:base64", COMMANDS),
        ("TRYON_SECRETS", f"a:{base64.b64encode(b'short').decode()}", "less than 32 bytes", COMMANDS),
        ("TRYON_SECRETS_FILE", "/nowhere/secrets", "mount the secret there", COMMANDS),
        ("TRYON_ENGINE", "engine", "host:50051", COMMANDS),
        ("TRYON_ENGINE", f"unix:/{'x' * 110}", "more than 107 bytes", ("serve", "engine")),
        ("TRYON_ENGINE", "dns:///engine:50051", "the engine listens on", ("serve", "engine")),
        ("TRYON_RENDERER", "wrap", "is not one of warp, warp+refine", ("serve", "engine")),
        ("TRYON_MATTER", "scissors", "is not one of guided, ", ("serve", "engine")),
        ("TRYON_PARSER", "eyes", "is not one of network, skeleton", ("serve", "engine")),
        ("TRYON_WORKER_MEMORY", str(1200 * MB), "set it to at least 1342177280", ("serve", "engine")),
        ("TRYON_WORKER_MEMORY", str(16_000 * MB), "Lower it by", ("serve", "engine")),
        ("TRYON_QUEUE_BYTES", str(16_000 * MB), "there are 8192 MB", ("gateway",)),
        ("TRYON_RATE_KEY", "often", "600 per minute", ("serve", "gateway")),
        ("TRYON_REMOTE_HOSTS", "*.com", "is no host", ("serve", "gateway")),
        ("TRYON_HOST", "no such host.invalid", "can't be listened on", ("serve", "gateway")),
    ],
)
def test_a_wrong_setting_is_one_line(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    text: str,
    words: str,
    commands: tuple[str, ...],
) -> None:
    monkeypatch.setenv(variable, text)
    for command in commands:
        line = refused(command, capsys)
        assert line.startswith(f"tryon: {variable}: "), line
        assert words in line
    assert not data.exists()


@pytest.mark.parametrize("variable", ["TRYON_DATA", "TRYON_RUNTIME"])
def test_a_folder_that_can_not_be_written_to(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    data.parent.joinpath("file").write_text("")
    monkeypatch.setenv(variable, str(data.parent / "file" / "folder"))
    for command in COMMANDS:
        line = refused(command, capsys)
        assert line.startswith(f"tryon: {variable}: ")
        assert "Not a directory" in line
        assert "set another folder" in line


def test_ports_in_use(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken: str
) -> None:
    for variable, text, commands in (
        ("TRYON_PORT", taken, ("serve", "gateway")),
        ("TRYON_ENGINE_METRICS_PORT", taken, ("serve", "engine")),
        ("TRYON_ENGINE", f"127.0.0.1:{taken}", ("serve", "engine")),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, text)
            for command in commands:
                line = refused(command, capsys)
                assert line.startswith(f"tryon: {variable}: ")
                assert "Address already in use" in line
    assert not data.exists()


def test_ports_have_to_differ(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for variable in ("TRYON_PORT", "TRYON_ENGINE_METRICS_PORT"):
        monkeypatch.setenv(variable, "18473")
    assert "ports of their own" in refused("serve", capsys)


def test_another_engine_at_the_socket(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "run").mkdir(parents=True, mode=0o700)
    with (data / "run" / "engine.sock.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in ("serve", "engine"):
            assert "Another engine already listens" in refused(command, capsys)
    assert [path.name for path in (data / "run").iterdir()] == ["engine.sock.lock"]


def test_a_socket_in_a_folder_of_everybodys(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "run").mkdir(parents=True)
    (data / "run").chmod(0o755)
    assert refused("engine", capsys).startswith("tryon: TRYON_RUNTIME: ")


@pytest.mark.parametrize(
    ("files", "variable", "words", "commands"),
    [
        ({"CERT": "absent", "KEY": "key"}, "CERT", "can't be read: No such file", COMMANDS),
        ({"CERT": "cert", "KEY": "absent"}, "KEY", "can't be read: No such file", COMMANDS),
        ({"CERT": "cert", "KEY": "other", "CA": "cert"}, "KEY", "is not the key of", COMMANDS),
        ({"CERT": "cert", "KEY": "junk", "CA": "cert"}, "KEY", "not both PEM", COMMANDS),
        ({"CERT": "cert", "KEY": "key", "CA": "junk"}, "CA", "holds no certificate", COMMANDS),
        ({"CERT": "cert", "KEY": "key"}, "CA", "only with the authority", ("serve", "gateway")),
        ({"CA": "cert"}, "CERT", "set it and its key", ("serve", "engine")),
        ({"CERT": "cert"}, "KEY", "go together", COMMANDS),
    ],
)
def test_certificates(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pair: dict[str, str],
    files: dict[str, str],
    variable: str,
    words: str,
    commands: tuple[str, ...],
) -> None:
    for name, text in {**TCP, **{f"TRYON_ENGINE_{name}": pair[file] for name, file in files.items()}}.items():
        monkeypatch.setenv(name, text)
    for command in commands:
        line = refused(command, capsys)
        assert line.startswith(f"tryon: TRYON_ENGINE_{variable}: "), line
        assert words in line


def test_secrets_that_can_not_be_read(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "secrets").mkdir(parents=True)
    for command in COMMANDS:
        assert str(data / "secrets") in refused(command, capsys)


@pytest.mark.parametrize("name", list(load_manifest().networks))
def test_one_byte_of_any_network(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The file is named, its digest and the right one, and what to do."""
    path = copied_networks(tmp_path, monkeypatch).manifest.network(name)
    store = Store()
    file = store._location(path)
    if not file.is_file():
        pytest.skip(f"no {file.name} in the zoo")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for command in ("serve", "engine"):
        line = refused(command, capsys)
        assert str(file) in line
        assert path.sha256 in line
        assert "damaged or of another version" in line
        assert line.endswith("(code network_mismatch)")
    assert not data.exists()


def copied_networks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The networks of this installation and of this machine's zoo, in a folder where they may be damaged."""
    shutil.copytree(load_manifest().folder, folder / "model_zoo")
    shutil.copytree(default_root(), folder / "zoo", dirs_exist_ok=True) if default_root().is_dir() else None
    monkeypatch.setattr(manifest, "zoo_folder", lambda: folder / "model_zoo")
    monkeypatch.setenv("TRYON_ZOO_DIR", str(folder / "zoo"))
    return Store()


def test_a_damaged_list_of_ones_own_networks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path))
    (tmp_path / "own.json").write_text("{")
    assert str(tmp_path / "own.json") in refused("engine", capsys)


def test_the_default_settings_pass_and_leave_nothing(data: Path, tmp_path: Path) -> None:
    preflight.check(Settings(data=data, port=0), engine=True, gateway=True)
    assert list(tmp_path.iterdir()) == []


def test_memory_is_what_both_halves_may_take() -> None:
    settings = Settings()
    preflight.check_memory(settings, 0, engine=True, gateway=True)
    preflight.check_memory(settings, 2048 * MB, engine=True, gateway=False)
    preflight.check_memory(settings, 448 * MB, engine=False, gateway=True)
    for there, engine, gateway in ((2047, True, False), (447, False, True), (2495, True, True)):
        with pytest.raises(InputError, match=f"there are {there} MB .* by 1 MB"):
            preflight.check_memory(settings, there * MB, engine=engine, gateway=gateway)


def test_a_gpus_address_space_is_no_memory() -> None:
    preflight.check_memory(Settings(worker_memory=512 << 30, device="cuda"), 2048 * MB, engine=True, gateway=False)


def test_renderers_are_those_of_the_registry() -> None:
    import tryon_service.analysis  # noqa: F401 - registers them

    assert sorted(preflight.RENDERERS) == sorted(RENDERERS.names())


@pytest.mark.parametrize(
    ("name", "value", "package", "extra"),
    [
        ("matter", "rembg-u2netp", "rembg", "rembg"),
        ("matter", "sam", "segment_anything", "sam"),
        ("pose", "keypoint-rcnn", "detectron2", "detectron2"),
        ("device", "cuda:1", "torch", "neural"),
    ],
)
def test_a_plug_in_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, package: str, extra: str
) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda asked: None if asked == package else object())
    with pytest.raises(InputError, match=rf"{package}: pip install 'tryon-service\[{extra}\]'") as caught:
        preflight.check(Settings(data=tmp_path, **{name: value}))
    assert caught.value.field == f"TRYON_{name.upper()}"
