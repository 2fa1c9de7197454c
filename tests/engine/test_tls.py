"""The engine over TCP: who is let in depends on certificates alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import Authority
from fake_desks import open_fake

from tryon_service.engine.server import Engine
from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError, UnavailableError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.settings import Settings


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "others")


@pytest.fixture(params=["tls", "mutual"])
def engine(request: pytest.FixtureRequest, settings: Settings, authority: Authority) -> Iterator[Engine]:
    cert, key = authority.issue("engine")
    ca = authority.ca if request.param == "mutual" else ""
    listening = replace(settings, engine="localhost:0", engine_cert=cert, engine_key=key, engine_ca=ca)
    with Engine(listening, open_fake) as started:
        yield started


def reached(engine: Engine, **credentials: str) -> bool:
    client = EngineClient(engine.address, patience=0.0, **credentials)
    try:
        client.list_products(pb.ListProductsRequest(), store="shop", timeout=60.0)
    except UnavailableError:
        return False
    finally:
        client.close()
    return True


def test_only_the_right_certificates_open_the_door(engine: Engine, authority: Authority, stranger: Authority) -> None:
    mine, foreign = authority.issue("gateway"), stranger.issue("gateway")
    mutual = bool(engine._settings.engine_ca)
    assert reached(engine, ca=authority.ca, cert=mine[0], key=mine[1])
    assert reached(engine, ca=authority.ca) is not mutual, "mutual TLS asks for a certificate"
    assert reached(engine, ca=authority.ca, cert=foreign[0], key=foreign[1]) is not mutual
    assert not reached(engine, ca=stranger.ca), "we don't trust an engine of somebody else"
    assert not reached(engine), "nothing goes in the clear"


@pytest.mark.parametrize("missing", ["engine_cert", "engine_key", "engine_ca"])
def test_a_file_that_is_not_there_is_named(
    settings: Settings, authority: Authority, tmp_path: Path, missing: str
) -> None:
    cert, key = authority.issue("engine")
    files = {"engine_cert": cert, "engine_key": key, "engine_ca": authority.ca, missing: str(tmp_path / "none")}
    engine = Engine(replace(settings, engine="localhost:0", **files), open_fake)
    with pytest.raises(InputError) as caught:
        engine.start()
    engine.stop()
    assert caught.value.field == f"TRYON_{missing.upper()}"


def test_callers_are_not_checked_without_tls(settings: Settings, authority: Authority) -> None:
    engine = Engine(replace(settings, engine="localhost:0", engine_ca=authority.ca), open_fake)
    with pytest.raises(InputError, match="without TLS"):
        engine.start()
    engine.stop()
