"""`tryon zoo`: what it lists, and weights of one's own brought in or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tryon_service.cli import zoo
from tryon_service.cli.main import FAILED, OK, USAGE, main
from tryon_service.zoo.manifest import ImportedFile, Network, Normalisation
from tryon_service.zoo.store import Store


@pytest.fixture(autouse=True)
def _own_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path / "zoo"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch = pytest.importorskip("torch", reason="weights need torch (the extra `neural`)")
    pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
    from tryon_service.renderers.nets.patn_net import PatnConfig, PatnNet

    torch.save({f"model.{name}": value for name, value in PatnNet(PatnConfig(2)).state_dict().items()}, tmp_path / "p")
    return tmp_path / "p"


def test_choices_are_those_of_the_rooms_they_come_from() -> None:
    from tryon_service.renderers.generators import GENERATORS
    from tryon_service.retarget.pose_maps import ENCODINGS

    assert tuple(GENERATORS) == zoo.IMPORTED
    assert tuple(ENCODINGS) == zoo.ENCODINGS


def test_weights_are_brought_in_listed_and_verified(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["zoo", "import", "patn", str(checkpoint), "--licence", "MIT code, own weights", "--commercial-use"]
    assert main([*command, "--pose-encoding", "gaussian"]) == OK
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "p: prefix 'model.' taken off"
    assert Path(said[1].split()[1]).is_file()
    assert main(["zoo", "list", "patn"]) == OK
    assert "MIT code, own weights, commercial use" in capsys.readouterr().out
    assert main(["zoo", "verify", "patn"]) == OK
    assert main(["zoo", "pull", "patn"]) == OK


def test_a_file_cut_in_half_is_named_in_one_line(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    assert main(["zoo", "import", "patn", str(checkpoint)]) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert "p can't be read: it is incomplete" in line
    assert main(["zoo", "verify", "patn"]) == USAGE, "nothing was added"


def test_a_lost_file_fails(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "import", "patn", str(checkpoint)]) == OK
    Path(capsys.readouterr().out.split()[-1]).unlink()
    assert main(["zoo", "verify", "patn"]) == FAILED
    assert "tryon zoo import patn FILE" in capsys.readouterr().err


def test_what_does_not_fit_is_one_line_and_no_log(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["zoo", "import", "adgan", str(checkpoint)]) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert "p doesn't fit the network: missing: enc_content.model.0.conv.weight" in line
    assert not caplog.records


def test_a_mirror_is_filled_and_pulled_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import_own(b"first")
    for done in ("copied", "was there"):
        assert main(["zoo", "mirror", str(tmp_path / "mirror"), "mine", "parser"]) == OK
        assert capsys.readouterr().out.splitlines() == [f"mine  {done}, verified", f"parser  {done}, verified"]
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("TRYON_ZOO_MIRROR", str(tmp_path / "mirror"))
    assert main(["zoo", "pull", "mine"]) == OK
    assert Path(capsys.readouterr().out.split()[-1]).read_bytes() == b"first"
    monkeypatch.delenv("TRYON_ZOO_MIRROR")
    assert main(["zoo", "verify", "mine"]) == OK


def test_replaced_weights_are_listed_and_one_command_goes_back(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = import_own(b"first"), import_own(b"second")
    assert main(["zoo", "list", "mine"]) == OK
    lines = [line.split("  ")[:3] for line in capsys.readouterr().out.splitlines()]
    assert lines == [["mine", second[:8], "present"], ["mine", first[:8], "earlier"]]
    assert main(["zoo", "use", "mine", first[:8]]) == OK
    assert main(["zoo", "list", "mine"]) == OK
    assert capsys.readouterr().out.splitlines()[1].startswith(f"mine  {first[:8]}  present")
    assert main(["zoo", "use", "mine", "abc"]) == USAGE
    assert second[:8] in capsys.readouterr().err


def import_own(content: bytes) -> str:
    """Weights of one's own that no renderer reads; their sha256."""
    digest, scale, store = hashlib.sha256(content).hexdigest(), Normalisation((0, 0, 0), (1, 1, 1)), Store()
    source, file = ImportedFile("mine.pth", "0" * 64), f"mine-{digest[:8]}.bin"
    network = Network("mine", "t", file, digest, len(content), "own", False, "c.md", (1, 1), scale, (source,))
    with store.workspace() as folder:
        (folder / "made").write_bytes(content)
        store.add(network, folder / "made", replace=True)
    return digest


@pytest.mark.parametrize(
    "argv", [["zoo"], ["zoo", "import"], ["zoo", "import", "gan", "x"], ["zoo", "import", "patn", "x", "--pose", "y"]]
)
def test_wrong_usage_is_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_verbose_may_stand_before_and_behind_the_action(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["zoo", "--verbose", "verify", "nothing"], ["zoo", "verify", "nothing", "--verbose"]):
        assert main(argv) == USAGE
        assert "Traceback" in capsys.readouterr().err
