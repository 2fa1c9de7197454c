"""Which engine a run gets: what goes together, how CPUs are shared, and where a service's key comes from."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from small_catalogue import Shop

from tryon_service.batch import engines
from tryon_service.batch.engines import EngineOptions, open_engine, share
from tryon_service.batch.local import LocalPool
from tryon_service.cli.main import main
from tryon_service.errors import InputError

SERVER = "http://tryon.example"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRYON_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        (EngineOptions(address="auto"), "--address", "goes with --engine ray, not with --engine local"),
        (EngineOptions(engine="local", gpus=0.5), "--gpus", "goes with --engine ray"),
        (EngineOptions(api_key_file=Path("key")), "--api-key-file", "goes with --server"),
        (EngineOptions(engine="ray", api_key_file=Path("key")), "--api-key-file", "goes with --server"),
        (EngineOptions(server=SERVER, engine="ray"), "--server", "leave out --engine ray"),
        (EngineOptions(server=SERVER, threads=1), "--threads", "--engine local and --engine ray, not with --server"),
        (EngineOptions(server=SERVER, address="auto"), "--address", "goes with --engine ray"),
        (EngineOptions(server=SERVER), "--server", "TRYON_API_KEY or --api-key-file"),
        (EngineOptions(server=SERVER, api_key_file=Path("none")), "--api-key-file", "'none' can't be read"),
    ],
)
def test_what_doesnt_go_together_is_refused(options: EngineOptions, field: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        options.check()
    assert caught.value.field == field


def test_ray_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'tryon-service\[batch\]'"):
        EngineOptions(engine="ray").check()


def test_a_key_comes_from_the_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("tk_file_1\n")
    with EngineOptions(server=SERVER, api_key_file=file).connect() as client:
        assert client.base_url == SERVER
    monkeypatch.setenv("TRYON_API_KEY", "two words")
    EngineOptions(server=SERVER, api_key_file=file).check()
    with pytest.raises(InputError) as caught:
        EngineOptions(server=SERVER).check()
    assert caught.value.field == "TRYON_API_KEY"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="it is no text"):
        EngineOptions(server=SERVER, api_key_file=file).check()
    file.write_text("")
    with pytest.raises(InputError, match="wants a key"):
        EngineOptions(server=SERVER, api_key_file=file).check()


@pytest.mark.parametrize("url", ["", "tryon.example", "ftp://tryon.example"])
def test_a_server_is_a_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYON_API_KEY", "tk_a_b")
    with pytest.raises(InputError, match="no URL such as") as caught:
        EngineOptions(server=url).check()
    assert caught.value.field == "--server"


@pytest.mark.parametrize(
    ("workers", "threads", "shared"),
    [
        (None, None, (8, 1)),
        (2, None, (2, 4)),
        (None, 4, (2, 4)),
        (3, 1, (3, 1)),
        (16, None, (16, 1)),
        (None, 16, (1, 16)),
    ],
)
def test_workers_share_the_cpus(workers: int | None, threads: int | None, shared: tuple[int, int]) -> None:
    assert share(8, workers, threads) == shared


@pytest.mark.parametrize("name", ["local", "ray"])
def test_engines_are_told_what_was_asked_for(
    shop: Shop, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "ray" and find_spec("ray") is None:
        pytest.skip("no Ray: pip install -e '.[batch]'")
    shop.add("a")
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    options = EngineOptions(engine=name, workers=2, item_timeout=7.0)  # type: ignore[arg-type]
    out = tmp_path / "out"
    with shop.opened(out) as (_, ledger), open_engine(options, shop.plan(out), ledger, {}) as engine:
        pool = engine.__self__  # type: ignore[attr-defined]
        assert (pool._plan.threads, pool._timeout) == (3, 7.0)
        assert isinstance(pool, LocalPool) == (name == "local")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--gpus", "1.5", "--engine", "ray"), "neither a share up to 1 nor a whole number"),
        (("--gpus", "nan", "--engine", "ray"), "neither a share"),
        (("--item-timeout", "0"), "number of seconds up to 86400"),
        (("--item-timeout", "inf"), "number of seconds"),
        (("--threads", "0"), "not a number from 1"),
        (("--engine", "spark"), "invalid choice"),
        (("--address", "auto"), "--address: An option has an invalid value. It goes with --engine ray"),
    ],
)
def test_the_command_refuses_it_before_it_looks_at_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    out = tmp_path / "out"
    line = ["batch", "--catalogue", "none.csv", "--poses", "standing", "--out", str(out), *words]
    assert main(line) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
