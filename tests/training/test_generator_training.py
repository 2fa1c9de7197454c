"""Small generators on drawn figures: they learn, go on where they were stopped, and end up in the zoo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_portraits import write_people
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
pytest.importorskip("onnx", reason="the parser's features are read with onnx (the extra `neural`)")

from torch.utils.data import default_collate  # noqa: E402

from tryon_service.cli.main import main  # noqa: E402
from tryon_service.errors import InputError  # noqa: E402
from tryon_service.renderers.generators import import_weights, open_generator  # noqa: E402
from tryon_service.training.generator_features import ParserFeatures  # noqa: E402
from tryon_service.training.generator_recipe import GeneratorRecipe  # noqa: E402
from tryon_service.training.generator_run import train_generator  # noqa: E402
from tryon_service.training.generator_samples import Pairs, batch_of, batches, unpacked  # noqa: E402
from tryon_service.training.generator_start import first_network, remember_less  # noqa: E402
from tryon_service.training.generator_training import DRAW, GeneratorTraining  # noqa: E402
from tryon_service.training.portraits import open_portraits  # noqa: E402
from tryon_service.training.team import Team, alone  # noqa: E402
from tryon_service.zoo.store import Store  # noqa: E402
from tryon_service.zoo.weights_file import read_weights  # noqa: E402

CPU = torch.device("cpu")
SIZE = (32, 48)
SIZES = {"adgan": {"width": 4, "style": 32, "hidden": 8}, "patn": {"width": 4}}
RECIPE = GeneratorRecipe(
    sizes=SIZES["adgan"],
    workers=0,
    batch=2,
    epochs=2,
    pairs=4,
    validate_every=1,
    discriminator_width=4,
    adversarial_from=0.4,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small pictures are done before a second thread has woken up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("people") / "data", SIZE)


@pytest.fixture(scope="module")
def features() -> ParserFeatures:
    return ParserFeatures()


@pytest.fixture(scope="module")
def pairs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    people = open_portraits(data)
    portraits = unpacked(people, people.portraits("train"), tmp_path_factory.mktemp("unpacked"), alone(CPU))
    return Pairs(portraits, people.pairs("train"), "gaussian")


def training(name: str, features: ParserFeatures, recipe: GeneratorRecipe = RECIPE) -> GeneratorTraining:
    recipe = replace(recipe, sizes=SIZES[name])
    torch.manual_seed(0)
    net, _ = first_network(name, recipe)
    return GeneratorTraining(name, net, recipe, features, alone(CPU), {})


def some(pairs: Pairs, count: int = 4) -> list[torch.Tensor]:
    stacked: list[torch.Tensor] = default_collate([pairs[index] for index in range(count)])
    return stacked


@pytest.mark.parametrize(("name", "steps"), [("adgan", 20), ("patn", 20)])
def test_it_learns_a_few_pairs(name: str, steps: int, features: ParserFeatures, pairs: Pairs) -> None:
    recipe = replace(RECIPE, adversarial=0.0, perceptual=0.0, contextual=0.0, learning_rate=5e-3)
    run, parts = training(name, features, recipe), some(pairs, 1)
    rows = [run._step(parts, 0.1) for _ in range(steps)]
    assert rows[-1]["inside"] < 0.8 * rows[0]["inside"]
    assert rows[-1]["outside"] < 0.5 * rows[0]["outside"]


def test_files_of_a_run_and_the_way_into_the_zoo(
    data: Path, pairs: Pairs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "workers = 0\nbatch = 2\nepochs = 2\npairs = 4\nvalidate_every = 1\ndiscriminator_width = 4\n"
        "[sizes]\nwidth = 4\nstyle = 32\nhidden = 8\n"
    )
    out = tmp_path / "run"
    assert main(["train", "adgan", "--data", str(data), "--out", str(out), "--recipe", str(recipe)]) == 0
    weights = out / "weights.safetensors"
    assert capsys.readouterr().out.strip() == str(weights)
    figures = json.loads((out / "figures.json").read_text())
    assert {"contextual", "perceptual", "adversarial", "discriminator"} <= figures.keys()
    assert 0 < figures["held_inside"] < 255
    assert -1 <= figures["held_ssim"] <= 1
    for picture in ("curves.png", "sheets/epoch_0001_train.png", "sheets/epoch_0002_held.png"):
        with Image.open(out / picture) as opened:
            assert opened.size[0] >= 4 * SIZE[0]
    assert not list(out.rglob("*.part"))
    header, _ = read_weights(weights)
    assert header.config == SIZES["adgan"]
    assert header.pose_encoding == "gaussian"
    for word in (open_portraits(data).digest, "parser's encoder", "VGG branch is random", "2 epochs", "6 pairs"):
        assert word in header.origin
    zoo = Store(tmp_path / "zoo")
    import_weights("adgan", weights, zoo)
    drawn = DRAW["adgan"](open_generator("adgan", Store(zoo.root)).net, batch_of(some(pairs), CPU))
    assert drawn.shape == (4, 3, SIZE[1], SIZE[0])
    assert float(drawn.detach().abs().max()) <= 1


def test_an_interrupted_run_comes_out_the_same(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPE, sizes=SIZES["patn"])
    whole = train_generator("patn", data, tmp_path / "whole", recipe)
    step, count = GeneratorTraining._step, [0]

    def interrupted(self: GeneratorTraining, *args: Any) -> dict[str, float]:
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(GeneratorTraining, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_generator("patn", data, tmp_path / "broken", recipe)
    assert json.loads((tmp_path / "broken" / "figures.json").read_text())["epoch"] == 1
    again = train_generator("patn", data, tmp_path / "broken", recipe)
    assert again.read_bytes() == whole.read_bytes(), "dropout, order and averages included"


@pytest.mark.parametrize("name", ["adgan", "patn"])
def test_checkpointing_changes_no_gradient(name: str, pairs: Pairs) -> None:
    batch = batch_of(some(pairs, 2), CPU)
    gradients = []
    for less in (False, True):
        torch.manual_seed(0)
        net, _ = first_network(name, replace(RECIPE, sizes=SIZES[name]))
        if less:
            remember_less(net)
        torch.manual_seed(1)
        (DRAW[name](net, batch) - batch.target).abs().mean().backward()
        gradients.append([p.grad for p in net.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 10
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


class OutOfMemory:
    """Draws, but for so many times that memory runs out first."""

    def __init__(self, name: str, times: int) -> None:
        self.draw, self.times, self.sizes = DRAW[name], times, list[int]()

    def __call__(self, net: Any, batch: Any) -> Any:
        self.sizes.append(len(batch))
        if self.times:
            self.times -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.draw(net, batch)


def test_memory_that_runs_out_halves_the_batch_once(
    features: ParserFeatures, pairs: Pairs, caplog: pytest.LogCaptureFixture
) -> None:
    """And what is learned stays the same, as the halves' gradients are added up."""
    recipe = replace(RECIPE, adversarial=0.0, perceptual=0.0)
    whole, halved = training("adgan", features, recipe), training("adgan", features, recipe)
    halved.draw = OutOfMemory("adgan", 1)
    rows = [run._step(some(pairs), 0.1) for run in (whole, halved)]
    assert halved.draw.sizes == [4, 2, 2]
    assert "two halves" in caplog.text
    assert rows[0] == pytest.approx(rows[1], rel=1e-3)
    for one, other in zip(whole.net.parameters(), halved.net.parameters(), strict=True):
        if one.grad is not None:
            assert torch.allclose(one.grad, other.grad, atol=1e-5 + 1e-3 * float(one.grad.abs().max()))
    halved._step(some(pairs), 0.1)
    assert halved.draw.sizes[3:] == [2, 2], "and it stays so"
    halved.draw.times = 1
    before = [p.detach().clone() for p in halved.net.parameters()]
    with pytest.raises(InputError, match=r"GiB of .* GiB were in use in batch 2\. .* lower batch") as caught:
        halved._step(some(pairs), 0.1)
    assert caught.value.field == "recipe"
    assert all(torch.equal(a, b) for a, b in zip(before, halved.net.parameters(), strict=True))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses(self: GeneratorTraining, picture: Any, batch: Any, *, against: bool) -> dict[str, Any]:
        spoilt = float("nan") if self.progress.step == 3 else 1.0
        return {"inside": (1.0, spoilt * (picture - batch.target).abs().mean())}

    monkeypatch.setattr(GeneratorTraining, "_losses", losses)
    with pytest.raises(InputError, match=r"no number any more in batch 3: .*inside.*learning_rate"):
        train_generator("adgan", data, tmp_path, replace(RECIPE, adversarial=0.0))
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert state["progress"]["epoch"] == 1
    for weights in (state["net"], state["ema"], read_weights(tmp_path / "weights.safetensors")[1]):
        assert all(bool(value.isfinite().all()) for value in weights.values())


def test_a_batch_that_cant_be_divided_is_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tryon_service.training.generator_run.team", lambda: nullcontext(Team(0, 3, CPU)))
    with pytest.raises(InputError, match="batch: 2 can't be divided among 3 processes"):
        train_generator("adgan", data, tmp_path, RECIPE)


def test_bad_data_and_checkpoints_are_refused_before_training(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest"):
        train_generator("adgan", tmp_path, tmp_path / "out", RECIPE)
    with pytest.raises(InputError, match="no pairs on the side 'train'"):
        train_generator("adgan", write_people(tmp_path / "none", SIZE, train=0), tmp_path / "out", RECIPE)
    with pytest.raises(InputError, match="36x48; sides must be multiples of 8"):
        train_generator("adgan", write_people(tmp_path / "odd", (36, 48), train=1), tmp_path / "out", RECIPE)
    with pytest.raises(InputError, match=r"sizes: .*multiple of 8"):
        train_generator("adgan", data, tmp_path / "out", replace(RECIPE, sizes={"style": 30}))
    with pytest.raises(InputError, match=r"sizes: .*style"):
        train_generator("patn", data, tmp_path / "out", replace(RECIPE, sizes={"style": 32}))
    out = tmp_path / "run"
    train_generator("adgan", data, out, replace(RECIPE, epochs=1, perceptual=0.0, contextual=0.0, adversarial=0.0))
    with pytest.raises(InputError, match="other dataset"):
        train_generator("adgan", write_people(tmp_path / "other", SIZE, train=1), out, RECIPE)
    with pytest.raises(InputError, match="other pose_encoding: gaussian, not impulse"):
        train_generator("adgan", data, out, replace(RECIPE, pose_encoding="impulse"))
    with pytest.raises(InputError, match="another architecture"):
        train_generator("adgan", data, out, replace(RECIPE, sizes=SIZES["adgan"] | {"width": 8}))
    whole = (out / "last.pt").read_bytes()
    (out / "last.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"last\.pt can't be read") as caught:
        train_generator("adgan", data, out, RECIPE)
    assert caught.value.field == "checkpoint"


def test_batches_go_through_all_pairs_before_any_comes_again() -> None:
    plan = batches(5, 12, 4, [1, 0])
    assert [len(batch) for batch in plan] == [4, 4, 4]
    order = [index for batch in plan for index in batch]
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert plan == batches(5, 12, 4, [1, 0]) != batches(5, 12, 4, [1, 1])
    assert [len(batch) for batch in batches(3, 2, 8, [1])] == [8]


def test_what_networks_see_is_what_the_portraits_show(data: Path, pairs: Pairs) -> None:
    people = open_portraits(data)
    pair = people.pairs("train")[0]
    source, target = people.read(pair.source), people.read(pair.target)
    batch = batch_of(some(pairs, 1), CPU)
    shown = ((batch.target[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8)
    assert np.array_equal(shown, target.over_white())
    assert np.array_equal(np.rint(batch.alpha[0, 0].numpy() * 255), target.matte)
    assert torch.equal(batch.source_parsing.sum(1), torch.ones(1, SIZE[1], SIZE[0]))
    joint = target.joints18[3]
    peak = int(batch.target_pose[0, 3].argmax())
    assert abs(peak % SIZE[0] - joint[0]) <= 0.5
    assert abs(peak // SIZE[0] - joint[1]) <= 0.5
    assert np.array_equal(batch.source_parsing[0, 0].numpy() == 1, source.parsing == 0)
