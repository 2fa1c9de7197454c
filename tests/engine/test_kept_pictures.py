"""Pictures in house poses through the whole engine, with a fake worker: computed once, and gone with their product."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fake_desks import PICTURE, let_go, lines, open_fake

from tryon_service.engine.picture_cache import PictureKey
from tryon_service.engine.server import Engine
from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.keyring import Keyring
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.poses.house import house_pose
from tryon_service.poses.token import seal
from tryon_service.settings import Settings

Eventually = Callable[..., None]

STORE = "shop"


class Bench:
    """A ready engine with a product, and somebody who calls."""

    def __init__(self, settings: Settings, png: bytes) -> None:
        self.settings, self.png = settings, png
        self.engine = Engine(settings, open_fake)
        self.engine.start()
        assert self.engine.supervisor.wait_ready(60.0)
        self.client = EngineClient.of(settings)
        self.put("tee")

    def put(self, product_id: str, *, view: pb.View = pb.VIEW_FRONT) -> None:
        photos = [pb.ProductPhoto(image=self.png, view=view)]
        wanted = pb.PutProductRequest(product_id=product_id, photos=photos, rights_reference="contract 7")
        self.client.put_product(wanted, store=STORE, timeout=60.0)

    def delete(self, product_id: str) -> None:
        self.client.delete_product(pb.DeleteProductRequest(product_id=product_id), store=STORE, timeout=60.0)

    def render(self, pose: str = "name:standing", product_id: str = "tee", **fields: object) -> pb.RenderResponse:
        shopper = {} if "photo" in fields else {"pose": pose}
        wanted = pb.RenderRequest(product_id=product_id, **shopper, **fields)  # type: ignore[arg-type]
        return self.client.render(wanted, store=STORE, timeout=60.0)

    def add_pose(self, name: str) -> None:
        """One of the shop's own; what the fake worker does is in its name."""
        file = self.settings.data / "poses" / f"{name}.json"
        new = file.with_suffix(".new")
        new.write_text("{}")
        new.replace(file)

    @property
    def computed(self) -> list[str]:
        """Poses that the worker was asked for, in order."""
        return [line for line in lines(self.settings.data / "poses" / "log") if line not in ("look_", "forget_")]

    @property
    def kept(self) -> list[PictureKey]:
        return list(self.engine._pictures._kept._items)

    def lookups(self, result: str) -> float:
        labels = {"cache": "picture", "result": result}
        return self.engine.metrics.registry.get_sample_value("tryon_cache_lookups_total", labels) or 0.0

    def stop(self) -> None:
        self.client.close()
        self.engine.stop()


@pytest.fixture
def open_bench(settings: Settings, product_png: bytes) -> Iterator[Callable[..., Bench]]:
    benches = []

    def start(**changes: object) -> Bench:
        benches.append(Bench(replace(settings, **changes), product_png))  # type: ignore[arg-type]
        return benches[-1]

    yield start
    for bench in benches:
        bench.stop()


def test_a_picture_is_computed_once_and_says_what_each_call_took(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    first, again = bench.render(), bench.render()
    assert bench.computed == ["standing_"]
    assert set(first.report.timings_ms) == {"render"}
    assert set(again.report.timings_ms) == {"cache"}
    assert 0.0 < again.report.timings_ms["cache"] < 60_000.0
    again.report.ClearField("timings_ms")
    first.report.ClearField("timings_ms")
    assert again == first
    assert (bench.lookups("hit"), bench.lookups("miss")) == (1, 1)
    sample = bench.engine.metrics.registry.get_sample_value
    assert sample("tryon_step_seconds_count", {"step": "render"}) == 1, "what wasn't done isn't counted"
    assert sample("tryon_cache_lookups_total", {"cache": "product", "result": "hit"}) == 1
    assert sample("tryon_engine_verdicts_total", {"verdict": "accepted"}) == 2
    bench.render(options=pb.RenderOptions(width=100))
    bench.put("twin")
    bench.render(product_id="twin")
    assert bench.computed == ["standing_"] * 3, "other options and other products are other pictures"


def test_a_refusal_is_found_again(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.add_pose("refuse")
    errors = []
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            bench.render("name:refuse")
        errors.append(caught.value.reasons)
    assert errors[0] == errors[1]
    assert bench.computed == ["refuse_"]


def test_nothing_is_kept_of_errors_or_without_room(open_bench: Callable[..., Bench], settings: Settings) -> None:
    bench = open_bench()
    bench.add_pose("input")
    for _ in range(2):
        with pytest.raises(InputError):
            bench.render("name:input")
    assert bench.computed == ["input_"] * 2
    bench.stop()
    without = open_bench(picture_cache_bytes=0)
    for _ in range(2):
        assert set(without.render().report.timings_ms) == {"render"}
    assert without.computed[2:] == ["standing_"] * 2
    assert without.lookups("miss") == 0


def test_nothing_of_a_shopper_is_ever_kept(
    open_bench: Callable[..., Bench], settings: Settings, shopper_png: bytes
) -> None:
    bench = open_bench()
    token = seal(house_pose("walking"), Keyring.load(settings), STORE, 600, time.time())
    for _ in range(2):
        assert bench.render(photo=shopper_png).image == PICTURE
        assert bench.render(token).image == PICTURE
        photos = pb.ProductPhotos(photos=[pb.ProductPhoto(image=bench.png)])
        wanted = pb.RenderRequest(pose="name:standing", photos=photos)
        bench.client.render(wanted, store=STORE, timeout=60.0)
    assert bench.computed == ["photo_", "pose_", "standing_"] * 2
    assert bench.kept == []
    assert bench.engine._pictures._computing == {}
    bench.render()
    assert [key.pose[0] for key in bench.kept] == ["standing"]


def test_a_replaced_pose_makes_another_picture(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.add_pose("shops_own")
    bench.render("name:shops_own")
    bench.render("name:shops_own")
    bench.add_pose("shops_own")
    bench.render("name:shops_own")
    assert bench.computed == ["shops_own"] * 2


def test_a_pose_replaced_while_it_is_rendered_is_not_kept(
    open_bench: Callable[..., Bench], settings: Settings, eventually: Eventually
) -> None:
    bench = open_bench()
    bench.add_pose("hold")
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(bench.render, "name:hold")
        eventually(lambda: bench.computed)
        bench.add_pose("hold")
        let_go(settings)
        assert begun.result(60.0).image == PICTURE
    assert bench.kept == []


def test_pictures_go_with_their_product(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.put("twin")
    for product_id in ("tee", "twin"):
        bench.render(product_id=product_id)
    bench.put("tee")
    assert [key.product_id for key in bench.kept] == ["tee", "twin"], "the same again changes nothing"
    bench.put("tee", view=pb.VIEW_BACK)
    assert [key.product_id for key in bench.kept] == ["twin"]
    bench.render()
    assert bench.computed == ["standing_"] * 3
    bench.delete("twin")
    assert [key.product_id for key in bench.kept] == ["tee"], "although its photo is still another product's"
    with pytest.raises(InputError) as caught:
        bench.render(product_id="twin")
    assert caught.value.code == "unknown_product"
    with pytest.raises(InputError):
        bench.delete("twin")


@pytest.mark.parametrize("change", ["delete", "replace"])
def test_a_product_that_goes_while_it_is_rendered_leaves_nothing(
    open_bench: Callable[..., Bench], eventually: Eventually, change: str
) -> None:
    bench = open_bench()
    bench.add_pose("doze_400")
    with ThreadPoolExecutor(3) as pool:
        begun = [pool.submit(bench.render, "name:doze_400") for _ in range(2)]
        eventually(lambda: "doze_400" in bench.computed)
        bench.delete("tee") if change == "delete" else bench.put("tee", view=pb.VIEW_BACK)
        assert all(one.result(60.0).image == PICTURE for one in begun)
    assert bench.kept == []


def test_a_found_picture_needs_neither_queue_nor_worker(
    open_bench: Callable[..., Bench], eventually: Eventually
) -> None:
    bench = open_bench(queue_items=2)
    bench.render()
    bench.add_pose("hang")
    with ThreadPoolExecutor(4) as pool:
        hanging = pool.submit(bench.render, "name:hang")
        eventually(lambda: "hang_" in bench.computed)
        queued = pool.submit(bench.render, "name:walking")
        eventually(lambda: len(bench.engine._queue) == 1)
        with pytest.raises(TryonError) as caught:
            bench.render("name:one_step")
        assert caught.value.code == "overloaded"
        assert bench.render().image == PICTURE
        os.kill(bench.engine.supervisor.worker_pid, signal.SIGKILL)
        with pytest.raises(TryonError) as lost:
            hanging.result(60.0)
        assert lost.value.code == "engine_unavailable"
        assert set(bench.render().report.timings_ms) == {"cache"}
        assert queued.result(60.0).image == PICTURE


def test_many_visitors_of_one_listing_cost_one_picture(
    open_bench: Callable[..., Bench], eventually: Eventually
) -> None:
    bench = open_bench()
    bench.add_pose("doze_400")
    with ThreadPoolExecutor(6) as pool:
        answers = [one.result(60.0) for one in [pool.submit(bench.render, "name:doze_400") for _ in range(6)]]
    assert bench.computed == ["doze_400"]
    took = sorted(json.dumps(dict(answer.report.timings_ms)) for answer in answers)
    assert sum("cache" in one for one in took) == 5, took
    assert (bench.lookups("hit"), bench.lookups("miss")) == (5, 1)
