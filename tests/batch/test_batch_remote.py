"""The job through a service: the same rows, busy services waited for, and nothing sent twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_catalogue import Shop, lasting, table

from tryon_service.batch import service
from tryon_service.batch.keys import Recipe
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.progress import Progress
from tryon_service.batch.remote import ServicePool
from tryon_service.client import Client, Retries
from tryon_service.errors import AccessError, InputError, RefusedError, TryonError, UnavailableError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.types import Reason

QUICK = Retries(tries=2, first_pause=0.001, longest_pause=0.001)
SOURCES = {"standing": "standing", "walking": "name:walking"}
Gateway = Any


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The real one, with an engine that draws; `answers` are what its next renders raise, None for a picture."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "gateway"))
    from opened import opened

    with opened(tmp_path / "service") as made:
        render, made.answers = made.engine.render, []

        def scripted(request: Any, **options: Any) -> Any:
            error = made.answers.pop(0) if made.answers else None
            if error is not None:
                made.engine.calls.append(("render", request, "", 0.0, ""))
                raise error
            return render(request, **options)

        monkeypatch.setattr(made.engine, "render", scripted)
        monkeypatch.setattr("tryon_service.client.client.time.sleep", lambda _: None)
        yield made


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Client]:
    with connect(gateway, gateway.key()) as made:
        yield made


def connect(gateway: Gateway, key: str) -> Client:
    transport = httpx.WSGITransport(app=gateway.app.wsgi_app)
    return Client("http://gateway.example", key, retries=QUICK, timeout=5.0, transport=transport)


@pytest.fixture
def cards(shop: Shop, gateway: Gateway) -> Shop:
    """Three products of two photos each."""
    from drawn_engine import picture

    for number, name in enumerate("abc"):
        for side in ("front", "back"):
            shop.add(name, view=side, file=f"{name}-{side}.jpg")
            (shop.photos / f"{name}-{side}.jpg").write_bytes(picture("jpeg", (48, 64 + number), "red"))
    return shop


def run(
    shop: Shop, out: Path, client: Client, stop: threading.Event | None = None, **changes: Any
) -> tuple[Progress, bool]:
    plan = shop.plan(out, recipe=Recipe("warp", "jpeg", size=(300, 400)), priority=changes.pop("priority", "batch"))
    options = {"sources": SOURCES, "workers": 1, **changes}
    with shop.opened(out) as (work, ledger):
        pool, progress = ServicePool(plan, ledger, client=client, **options), Progress(work.items)
        complete = work.render(pool.render, progress, stop or threading.Event())
        if complete:
            work.finish("jsonl", open_outputs(str(out)))
        return progress, complete


def called(gateway: Gateway, name: str) -> list[Any]:
    return [request for kind, request, *_ in gateway.engine.calls if kind == name]


def test_pictures_are_asked_for_at_the_priority_given(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client
) -> None:
    assert run(cards, tmp_path / "out", client, priority="shopper")[1]
    assert {one.priority for one in called(gateway, "render")} == {pb.PRIORITY_SHOPPER}


def busy(code: str = "overloaded") -> TryonError:
    return UnavailableError(code)


def test_a_catalogue_through_a_service(cards: Shop, tmp_path: Path, gateway: Gateway, client: Client) -> None:
    out = tmp_path / "out"
    cards.add("", "good")
    progress, complete = run(cards, out, client, workers=2)
    assert complete
    assert progress.counts == {"doubtful": 6, "failed": 1}
    asked = called(gateway, "render")
    assert {(one.product_id, one.pose) for one in asked} == {
        (product, f"name:{pose}") for product in "abc" for pose in SOURCES
    }
    assert {one.priority for one in asked} == {pb.PRIORITY_BATCH}
    assert {(one.options.width, one.options.height) for one in asked} == {(300, 400)}
    put = called(gateway, "put_product")
    assert [len(one.photos) for one in put] == [2, 2, 2]
    assert {one.rights_reference for one in put} == {"contract 7"}
    assert [photo.view for photo in put[0].photos] == [pb.VIEW_FRONT, pb.VIEW_BACK]
    row = table(out)[0]
    assert (row["product_id"], row["pose"], row["status"], row["codes"]) == ("a", "standing", "doubtful", ["low_light"])
    assert (row["photo_used"], row["view"], row["output"]) == ("a-back.jpg", "back", "a/standing.jpg")
    assert (row["width"], row["height"], row["rights_confirmed"]) == (48, 64, True)
    assert json.loads(row["weights"]) == {"blazepose landmarks": "ab" * 32}
    assert json.loads(row["scores"]) == {"coverage": 0.97}
    assert row["catalogue_colour"] == "blue"
    assert (out / row["output"]).read_bytes().startswith(b"\xff\xd8")


def test_what_is_done_is_neither_sent_nor_asked_for_again(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client
) -> None:
    run(cards, tmp_path / "out", client)
    before = table(tmp_path / "out")
    gateway.engine.calls.clear()
    assert run(cards, tmp_path / "out", client)[0].kept == 6
    assert {kind for kind, *_ in gateway.engine.calls} == {"list_poses"}
    assert table(tmp_path / "out") == before
    run(cards, tmp_path / "other", client)
    assert called(gateway, "put_product") == []
    assert lasting(table(tmp_path / "other")) == lasting(before)


def test_a_busy_service_is_waited_for(cards: Shop, tmp_path: Path, gateway: Gateway, client: Client) -> None:
    gateway.answers += [busy(), busy("rate_limited")] * 5
    assert run(cards, tmp_path / "out", client)[0].counts == {"doubtful": 6}
    assert len(called(gateway, "render")) == 10 + 6


@pytest.mark.parametrize(("code", "tries"), [("overloaded", 2), ("engine_unavailable", 2 * service.GIVE_UP)])
def test_a_service_that_is_gone_ends_the_run_and_the_next_goes_on(
    cards: Shop,
    tmp_path: Path,
    gateway: Gateway,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    tries: int,
) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.0)
    gateway.answers += [None, None, *[busy(code)] * 99]
    with pytest.raises(UnavailableError) as caught:
        run(cards, tmp_path / "out", client)
    assert (caught.value.code, caught.value.field) == (code, "--server")
    assert len(called(gateway, "render")) == 2 + tries
    gateway.answers.clear()
    gateway.engine.calls.clear()
    progress, _ = run(cards, tmp_path / "out", client)
    assert progress.counts == {"doubtful": 6}
    assert progress.kept == 2
    assert len(called(gateway, "render")) == 6 - progress.kept


def test_what_is_wrong_with_an_item_is_in_its_row(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client
) -> None:
    refused = RefusedError(
        [Reason("view_mismatch", "product[1]", value=150.0, limit=60.0), Reason("blurred", "shopper")]
    )
    lost = [busy("engine_unavailable")] * 2
    gateway.answers += [refused, InputError("invalid_option", "No.", "background"), *lost]
    assert run(cards, tmp_path / "out", client)[0].counts == {"refused": 1, "failed": 2, "doubtful": 3}
    rows = table(tmp_path / "out")
    assert [row["codes"] for row in rows[:3]] == [
        ["view_mismatch", "blurred"],
        ["invalid_option"],
        ["engine_unavailable"],
    ]
    assert [row["output"] for row in rows[:3]] == ["", "", ""]
    assert [(row["photo_used"], row["view"]) for row in rows[:2]] == [("a-back.jpg", "back"), ("", "")]
    assert rows[0]["detail"].endswith("Measured: 150, the limit is 60.")
    again, _ = run(cards, tmp_path / "out", client)
    assert again.counts == {"refused": 1, "failed": 1, "doubtful": 4}, "what failed on the service's side is done"


def test_a_photo_that_the_service_cant_use_spoils_no_other(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cards.photos / "a-front.jpg").write_bytes(b"no picture")
    flat = pb.Reason(code="no_model_in_product", photo="photos[1]")
    keep = gateway.engine.put_product

    def judging(request: Any, **options: Any) -> Any:
        answer = keep(request, **options)
        if request.product_id == "b":
            answer.product.photos[1].reasons.append(flat)
        if request.product_id == "c":
            raise RefusedError([Reason("no_person", f"photos[{index}]") for index in range(2)])
        return answer

    monkeypatch.setattr(gateway.engine, "put_product", judging)
    counts = run(cards, tmp_path / "out", client)[0].counts
    assert counts == {"doubtful": 4, "refused": 2}
    rows = {row["product_id"]: row for row in table(tmp_path / "out")}
    found = {name: [photo["code"] for photo in json.loads(row["photos"])] for name, row in rows.items()}
    assert found == {"a": ["not_an_image", ""], "b": ["", "no_model_in_product"], "c": ["no_person"] * 2}
    assert rows["c"]["codes"] == ["no_person"]


def test_a_photo_is_a_pose_whose_token_is_renewed(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client
) -> None:
    photo = tmp_path / "me.jpg"
    photo.write_bytes((cards.photos / "a-front.jpg").read_bytes())
    gateway.answers += [None, None, InputError("expired_pose", field="pose")]
    sources = {"standing": str(photo), "walking": "walking"}
    assert run(cards, tmp_path / "out", client, sources=sources)[0].counts == {"doubtful": 6}
    assert len(called(gateway, "analyze_pose")) == 2
    gateway.answers += [InputError("expired_pose", field="pose")]
    run(cards, tmp_path / "other", client, sources=sources)
    assert len(called(gateway, "analyze_pose")) == 2 + 2
    assert "k1.AAAA" in {one.pose for one in called(gateway, "render")}


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"standing": "name:sitting"}, "no house pose 'sitting'; it has standing, walking"),
        ({"standing": "sitting"}, "no house pose 'sitting'"),
        ({"standing": "POSE.json"}, "takes no pose files"),
    ],
)
def test_poses_that_a_service_hasnt_got_are_said_before_any_work(
    cards: Shop, tmp_path: Path, gateway: Gateway, client: Client, sources: dict[str, str], words: str
) -> None:
    (tmp_path / "pose.json").write_text("{}")
    sources = {name: source.replace("POSE", str(tmp_path / "pose")) for name, source in sources.items()}
    with pytest.raises(InputError, match=words):
        run(cards, tmp_path / "out", client, sources=sources)
    assert {kind for kind, *_ in gateway.engine.calls} == {"list_poses"}


def test_a_key_that_isnt_known_ends_the_run(cards: Shop, tmp_path: Path, gateway: Gateway) -> None:
    with connect(gateway, "tk_none_none") as client, pytest.raises(AccessError):
        run(cards, tmp_path / "out", client)


@pytest.mark.parametrize("answers", [[None, None], [busy()] * 99])
def test_a_wish_to_stop_is_granted(
    cards: Shop,
    tmp_path: Path,
    gateway: Gateway,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[Any],
) -> None:
    stop, serve = threading.Event(), gateway.engine.render

    def stopping(*args: Any, **options: Any) -> Any:
        stop.set()
        return serve(*args, **options)

    gateway.answers += answers
    monkeypatch.setattr(gateway.engine, "render", stopping)
    progress, complete = run(cards, tmp_path / "out", client, stop)
    assert not complete
    assert progress.done == (1 if answers[0] is None else 0)
