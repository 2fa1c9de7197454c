"""tryon products: a shop's catalogue into the real gateway, over HTTP, from the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import JPEG, PNG, Opened, opened
from werkzeug.serving import make_server

from tryon_service.cli import main as cli
from tryon_service.cli.products import connect
from tryon_service.errors import InputError, RefusedError, UnavailableError
from tryon_service.settings import load
from tryon_service.types import Reason

HEAD = "id,photos,views,rights_reference\n"


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    with opened(tmp_path / "data") as made:
        server = make_server("127.0.0.1", 0, made.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("TRYON_PORT", str(server.server_port))
        monkeypatch.setenv("TRYON_API_KEY", made.key())
        monkeypatch.delenv("TRYON_URL", raising=False)
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The catalogue; its photos lie beside it."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "photos" / "2.png").write_bytes(PNG)
    file = tmp_path / "catalogue.csv"
    file.write_text(HEAD + "a,photos/1.jpg|photos/2.png,front|back,r1\nb,photos/2.png,,r2\n", encoding="utf-8-sig")
    return file


def run(*argv: str | Path) -> int:
    return cli.main(["products", *map(str, argv)])


def test_sync_list_show_delete(gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sync", shop) == cli.OK
    assert capsys.readouterr().out == "2 created.\n"
    assert run("sync", shop) == cli.OK
    assert capsys.readouterr().out == "2 unchanged.\n"
    assert [name for name, *_ in gateway.engine.calls].count("put_product") == 2

    assert run("list") == cli.OK
    assert capsys.readouterr().out.splitlines()[1:] == [
        "a   2       2       front  r1",
        "b   1       1       front  r2",
    ]
    assert run("show", "a") == cli.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], [photo["view"] for photo in shown["photos"]]) == ("a", ["front", "back"])
    assert run("delete", "a") == cli.OK
    assert run("delete", "a") == cli.USAGE
    assert "unknown_product" in capsys.readouterr().err


def test_what_is_missing_is_deleted_only_with_yes(
    gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("sync", shop)
    shop.write_text(HEAD + "b,photos/2.png,,new\n")
    assert run("sync", shop, "--delete-missing") == cli.USAGE
    said = capsys.readouterr()
    assert "1 products would be deleted: a. Add --yes" in said.err
    assert gateway.engine.products["shop", "b"].rights_reference == "r2", "nothing was done before asking"
    assert run("sync", shop, "--delete-missing", "--yes") == cli.OK
    assert capsys.readouterr().out == "1 replaced, 1 deleted.\n"
    assert [name for _, name in gateway.engine.products] == ["b"]

    shop.write_text(HEAD + "c c,photos/2.png,,r\n")
    assert run("sync", shop, "--delete-missing", "--yes") == cli.REFUSED
    assert "Nothing is deleted" in capsys.readouterr().err
    assert ("shop", "b") in gateway.engine.products


def test_failures_are_a_table_and_an_exit_code(gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.parent / "photos" / "text.jpg").write_text("no photo")
    with shop.open("a") as file:
        file.write("c,photos/none.jpg,,r\nd,photos/text.jpg,,r\ne,photos/1.jpg,,\nf,https://127.0.0.1/x.jpg,,r\n")
    assert run("sync", shop) == cli.REFUSED
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "2 created, 4 failed."
    assert [line.split()[:4] for line in out[1:-1]] == [
        ["4", "c", "photos[0]", "invalid_option"],
        ["5", "d", "photos[0]", "not_an_image"],
        ["6", "e", "rights_reference", "missing_field"],
        ["7", "f", "photos[0]", "blocked_url"],
    ]
    assert set(gateway.engine.products) == {("shop", "a"), ("shop", "b")}


def test_a_refused_card_says_what_to_do(gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.engine.failure = None
    put = gateway.engine.put_product

    def refuse(request, **options):
        if request.product_id == "a":
            raise RefusedError([Reason("no_model_in_product", "product[0]"), Reason("blurred", "product[1]")])
        return put(request, **options)

    gateway.engine.put_product = refuse  # type: ignore[method-assign]
    assert run("sync", shop) == cli.REFUSED
    out = capsys.readouterr().out
    assert "a person wears it" in out
    assert "Use a sharper photo" in out
    assert "1 created, 1 failed." in out


def test_a_service_at_fault_is_told_apart(gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put = gateway.engine.put_product

    def fail(request, **options):
        if request.product_id == "a":
            raise UnavailableError("storage_full")
        return put(request, **options)

    gateway.engine.put_product = fail  # type: ignore[method-assign]
    assert run("sync", shop) == cli.FAILED
    assert "1 created, 1 failed." in capsys.readouterr().out


def test_what_was_done_before_it_broke_off_is_told(
    gateway: Opened, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put = gateway.engine.put_product

    def interrupted(request, **options):
        answer = put(request, **options)
        gateway.access.keys.revoke(gateway.key().split("_")[1])
        return answer

    gateway.engine.put_product = interrupted  # type: ignore[method-assign]
    assert run("sync", shop) == cli.FAILED
    said = capsys.readouterr()
    assert said.out == "1 created.\n"
    assert "(code unauthorized)" in said.err


@pytest.mark.parametrize(
    ("text", "says"),
    [("id,photos\n", "catalogue.csv line 1"), (HEAD + 'a,"b\n', "catalogue.csv line 2"), (None, "can't be read")],
)
def test_no_catalogue(
    gateway: Opened, shop: Path, text: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.unlink() if text is None else shop.write_text(text)
    assert run("sync", shop) == cli.USAGE
    assert says in capsys.readouterr().err
    assert gateway.engine.calls == []


def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TRYON_API_KEY", raising=False)
    assert run("list") == cli.USAGE
    assert "TRYON_API_KEY" in capsys.readouterr().err


def test_where_the_service_is() -> None:
    for variables, url in (
        ({}, "http://127.0.0.1:8080"),
        ({"TRYON_HOST": "0.0.0.0", "TRYON_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"TRYON_HOST": "::1"}, "http://[::1]:8080"),
        ({"TRYON_URL": "https://tryon.example"}, "https://tryon.example"),
    ):
        with connect(load({"TRYON_API_KEY": "k", **variables})) as client:
            assert client.base_url == url
    with pytest.raises(InputError):
        connect(load({}))
