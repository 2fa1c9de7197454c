"""One person's networks on drawn frames: they learn, a critic rests while it is sure, and all end up in the zoo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_portraits import write_people

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")

from tryon_service.cli.main import main  # noqa: E402
from tryon_service.errors import InputError  # noqa: E402
from tryon_service.evaluation.ssim import ssim  # noqa: E402
from tryon_service.renderers.generators import import_weights, open_generator  # noqa: E402
from tryon_service.renderers.nets.generator_input import to_picture  # noqa: E402
from tryon_service.training.generator_recipe import TeachingRecipe  # noqa: E402
from tryon_service.training.portraits import open_portraits  # noqa: E402
from tryon_service.training.teaching import TeachingTraining, train_nearest, train_teaching  # noqa: E402
from tryon_service.training.teaching_frames import energy, figures_of, open_frames  # noqa: E402
from tryon_service.zoo.store import Store  # noqa: E402

CPU = torch.device("cpu")
RECIPE = TeachingRecipe(width=4, batch=4, epochs=2, validate_every=1, learning_rate=2e-3, ema=0.9)
CRITIC = replace(RECIPE, difference=100.0, difference_least=30.0, difference_fall=40.0, adversarial=1.0)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small pictures are done before a second thread has woken up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("frames") / "data", (64, 64), train=2, held=2)


def training(data: Path, recipe: TeachingRecipe) -> TeachingTraining:
    return TeachingTraining("pose2image", recipe, open_frames(data, recipe.pose)[1], {}, CPU)


def frames(count: int = 4) -> list[Any]:
    return [torch.arange(count)]


@pytest.mark.parametrize("pose", ["vector", "drawing"])
def test_it_learns_a_few_frames(data: Path, pose: str) -> None:
    run = training(data, replace(RECIPE, pose=pose))
    rows = [run._step(frames(), 0.1) for _ in range(40)]
    assert rows[-1]["difference"] < 0.5 * rows[0]["difference"]


def test_the_critic_rests_while_it_is_sure_and_the_difference_counts_less(data: Path) -> None:
    run = training(data, replace(CRITIC, discriminator_rate=5e-3))
    weights = []
    for epoch in range(4):
        run.progress.epoch = epoch
        weights.append(run._weight())
    assert weights == [100, 60, 30, 30]
    before = [weight.detach().clone() for weight in run.critic.parameters()]

    def moved() -> bool:
        return any(not torch.equal(a, b) for a, b in zip(before, run.critic.parameters(), strict=True))

    sure = run._teach_critic
    real, made = torch.ones(2, 3, 64, 64), -torch.ones(2, 3, 64, 64)
    run.recipe = replace(CRITIC, sure_of_real=0.0, sure_of_made=1.0)
    assert {"critic", "of_real", "of_made"} == sure(real, made).keys()
    assert not moved()
    run.recipe = replace(CRITIC, sure_of_real=1.0)
    answers = [sure(real, made) for _ in range(20)]
    assert moved()
    assert answers[-1]["of_real"] - answers[-1]["of_made"] > answers[0]["of_real"] - answers[0]["of_made"] + 0.1


@pytest.mark.parametrize(
    ("name", "settings"), [("pose2image", 'pose = "drawing"'), ("pose2image-gan", "adversarial = 1")]
)
def test_files_of_a_run_and_the_way_into_the_zoo(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, settings: str
) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "run"
    recipe.write_text(f"width = 4\nbatch = 4\nepochs = 2\nvalidate_every = 1\n{settings}\n")
    assert main(["train", name, "--data", str(data), "--out", str(out), "--recipe", str(recipe)]) == 0
    assert capsys.readouterr().out.strip() == str(out / "weights.safetensors")
    for picture in ("curves.png", "sheets/epoch_0001.png", "sheets/held.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    assert not list(out.rglob("*.part"))
    people = open_portraits(data)
    figures = json.loads((out / "figures.json").read_text())
    assert list(figures["frames"]) == people.portraits("held")
    import_weights(name, out / "weights.safetensors", Store(tmp_path / "zoo"))
    opened = open_generator(name, Store(tmp_path / "zoo"))
    assert people.digest in opened.header.origin
    _, _, held = open_frames(data, opened.header.pose_encoding)
    with torch.no_grad():
        made = to_picture(opened.net(torch.from_numpy(held.poses[:1])).numpy())[0]
    assert figures["frames"][held.names[0]]["ssim"] == pytest.approx(ssim(made, held.pictures[0]), abs=1e-4)


def test_nearest_knows_its_frames_by_heart(data: Path, tmp_path: Path) -> None:
    weights = train_nearest(data, tmp_path / "run")
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())["mean"]
    assert 0 < figures["l1"] < 255
    import_weights("nearest", weights, Store(tmp_path / "zoo"))
    opened = open_generator("nearest", Store(tmp_path / "zoo"))
    _, train, _ = open_frames(data, "vector")
    made = to_picture(opened.net(torch.from_numpy(train.poses)).numpy())
    assert np.array_equal(made[0], train.pictures[0])
    mean, rows = figures_of(train.pictures, train)
    assert mean == {"l1": 0.0, "ssim": pytest.approx(1.0), "gradient_energy": pytest.approx(1.0)}
    assert len(rows) == len(train)


def test_an_interrupted_run_comes_out_the_same(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soft labels, dropout and batch norms included."""
    whole = train_teaching("pose2image-gan", data, tmp_path / "whole", CRITIC)
    train_epoch = TeachingTraining.train_epoch

    def interrupted(self: TeachingTraining) -> dict[str, float]:
        if self.progress.epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(TeachingTraining, "train_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_teaching("pose2image-gan", data, tmp_path / "broken", CRITIC)
    again = train_teaching("pose2image-gan", data, tmp_path / "broken", CRITIC)
    assert again.read_bytes() == whole.read_bytes()


def test_energy_is_that_of_neighbouring_pixels() -> None:
    flat, stripes = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)
    stripes[:, ::2] = 10
    assert energy(flat) == pytest.approx(0, abs=1e-5)
    assert energy(stripes) == pytest.approx(100, abs=1e-5)


def test_bad_data_is_refused_before_training(data: Path, tmp_path: Path) -> None:
    other = write_people(tmp_path / "other", (64, 96), train=1)
    with pytest.raises(InputError, match="64x96; one person's networks draw 64x64"):
        train_teaching("pose2image", other, tmp_path / "out", RECIPE)
    with pytest.raises(InputError, match="no frames on the side 'held'"):
        train_nearest(write_people(tmp_path / "none", (64, 64), train=1, held=0), tmp_path / "out")
    out = tmp_path / "run"
    train_teaching("pose2image", data, out, replace(RECIPE, epochs=1))
    with pytest.raises(InputError, match="other pose: vector, not drawing"):
        train_teaching("pose2image", data, out, replace(RECIPE, pose="drawing"))
