"""A few steps of training on torn figures: it learns, goes on where it was stopped, and its ONNX file says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torn_figures import SIZE, torn_figure, write_dataset

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("onnxscript", reason="the export needs onnxscript (the extra `neural`)")

import onnxruntime  # noqa: E402

from tryon_service.cli.main import main  # noqa: E402
from tryon_service.errors import InputError  # noqa: E402
from tryon_service.perception.nets.parser_net import ParserNet  # noqa: E402
from tryon_service.renderers.nets.refine_input import (  # noqa: E402
    ALPHA,
    COLOURS,
    IMAGE_CHANNELS,
    POSE_CHANNELS,
    REAL,
    WORKING,
    over_grey,
)
from tryon_service.renderers.nets.refine_net import RefineNet  # noqa: E402
from tryon_service.training import checkpoint, discriminator, refine_losses  # noqa: E402
from tryon_service.training.decoded import decoded  # noqa: E402
from tryon_service.training.perceptual import Features  # noqa: E402
from tryon_service.training.recipe import RefineRecipe  # noqa: E402
from tryon_service.training.refine import RefineTraining, train_refine  # noqa: E402
from tryon_service.training.refine_crops import rendered, whole  # noqa: E402
from tryon_service.training.refine_figures import figures_of, judge, repaired_sample  # noqa: E402
from tryon_service.training.refine_losses import Batch, repaired  # noqa: E402
from tryon_service.training.shards import open_dataset  # noqa: E402
from tryon_service.types import Part  # noqa: E402

# torch's exporter warns about itself.
pytestmark = pytest.mark.filterwarnings("ignore")

CPU = torch.device("cpu")
RECIPE = RefineRecipe(
    size=(48, 64),
    threads=1,
    workers=0,
    batch=2,
    epochs=2,
    crops=4,
    validate_every=1,
    features_from=0.0,
    adversarial_from=0.5,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small crops are done before a second thread has woken up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("pairs"))


def batch_of(seed: int = 0) -> Batch:
    planes = whole(torn_figure(seed), SIZE[1])
    return Batch(*(torch.from_numpy(part[None].copy()) for part in vars(planes).values()), torch.ones(1))


@pytest.mark.soak
def test_train_resume_and_agree(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, as each part needs the one before: interrupted in its second epoch, taken up, exported, compared."""
    step, rows = RefineTraining._step, []

    def interrupted(self: RefineTraining, *args: Any) -> dict[str, float]:
        rows.append(step(self, *args))
        if len(rows) == 3:
            raise KeyboardInterrupt
        return rows[-1]

    with monkeypatch.context() as patch:
        patch.setattr(RefineTraining, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_refine(dataset, tmp_path, RECIPE)
    assert "features" in rows[0]
    assert "adversarial" not in rows[0]
    net = RefineNet()
    assert checkpoint.load(tmp_path / "last.pt", net)["progress"]["epoch"] == 1
    onnx = train_refine(dataset, tmp_path, RECIPE)
    state = checkpoint.load(tmp_path / "last.pt", net)
    assert state["progress"]["epoch"] == 2
    assert {"adversarial", "matching", "ssim_after"} <= state["progress"]["history"][-1].keys()
    assert not list(tmp_path.rglob("*.part*"))
    for picture in ("curves.png", "sheets/epoch_0001.png", "sheets/epoch_0002.png"):
        assert Image.open(tmp_path / picture).size[0] > 100
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["held"]["samples"] == figures["real"]["samples"] == 1
    assert onnx.stat().st_size <= 25e6
    agree(net, state, onnx)


def agree(net: RefineNet, state: dict[str, Any], onnx: Path) -> None:
    """Torch and ONNX give the same answers at any size."""
    net.load_state_dict(state["ema"])
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["working"] == str(WORKING)
    for height, width in ((16, 16), (64, 64), (48, 112)):
        image, pose = (
            torch.rand(1, IMAGE_CHANNELS, height, width),
            torch.rand(1, POSE_CHANNELS, height // 4, width // 4),
        )
        with torch.no_grad():
            expected = net.eval()(image, pose)
        found = session.run(["residual", "blend", "alpha"], {"image": image.numpy(), "pose": pose.numpy()})
        for one, other in zip(found, expected, strict=True):
            assert np.abs(one - other.numpy()).max() < 1e-4


def test_it_learns_one_picture() -> None:
    """Sixty steps on one torn figure make it better and close its holes."""
    recipe = replace(RECIPE, features=0.0, adversarial=0.0, learning_rate=2e-3, ema=0.8)
    run = RefineTraining(recipe, Features(ParserNet().eval()), CPU)
    sample = torn_figure(0)
    parts = [torch.from_numpy(part[None].copy()) for part in vars(whole(sample, SIZE[1])).values()]
    before = judge(run.ema, sample, CPU)
    assert before.missing_area >= before.tear_area > 50
    assert before.closed_area == 0
    rows = [run._step([*parts, torch.ones(1)], 0.1) for _ in range(60)]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    after = judge(run.ema, sample, CPU)
    assert after.ssim_after > after.ssim_before + 0.005
    assert after.gradients_after > after.gradients_before + 0.005
    assert after.closed_area > 0.5 * after.tear_area
    assert after.still < 1
    assert after.faces == 0
    figures = figures_of([after, replace(after, kind="real")])
    assert figures["held"]["better_on"] == 1
    assert figures["held"]["tears_closed"] > 0.5
    assert figures["held"]["missing_closed"] > 0.3
    assert set(figures) == {"held", "held ccp", "real"}


def test_only_what_is_allowed_is_shown() -> None:
    """A network that would change everything changes neither faces nor whole cloth, in training as in the service."""
    net = RefineNet().eval()
    torch.nn.init.normal_(net.head.weight)
    sample = torn_figure(1)
    before, after = repaired_sample(net, sample, CPU)
    changed = (before.rgb != after.rgb).any(axis=2)
    assert changed.any()
    assert not changed[sample.parsing == Part.FACE].any()
    batch = batch_of(1)
    with torch.no_grad():
        repair = repaired(batch, *net(batch.image, batch.pose))
    moved = (repair.colours - batch.image[:, COLOURS]).abs().amax(1)[0] * ~batch.face[0, 0]
    assert float(moved.max()) > 0.1
    assert not moved[batch.allowed[0, :2].amax(0) == 0].any()


def test_a_sample_is_the_picture_that_was_drawn() -> None:
    sample = torn_figure(1)
    drawn = rendered(sample)
    again = over_grey(drawn.rgb, drawn.alpha)
    assert np.abs(again.astype(int) - sample.rgb).max() <= 1
    assert np.array_equal(np.rint(drawn.alpha * 255), sample.alpha)


def test_losses_are_nothing_at_the_truth() -> None:
    batch = batch_of()
    zero = torch.zeros_like(batch.truth_alpha)
    nothing = repaired(batch, torch.zeros_like(batch.truth), zero - 20, zero)
    truth = replace(nothing, colours=batch.truth, logit=torch.logit(batch.truth_alpha, 1e-6))
    for loss in (refine_losses.pixel_loss, refine_losses.structure_loss, refine_losses.alpha_loss):
        assert float(loss(batch, truth)) < 0.5 * float(loss(batch, nothing)), loss.__name__
    assert float(refine_losses.pixel_loss(batch, truth)) == 0
    assert float(refine_losses.structure_loss(batch, truth)) < 1e-4
    assert float(refine_losses.stillness_loss(batch, nothing)) < 1e-6
    assert float(refine_losses.stillness_loss(batch, repaired(batch, nothing.change + 1, zero + 20, zero))) > 0.01


def test_what_is_left_alone_changes_nothing() -> None:
    batch = batch_of()
    zero = torch.zeros_like(batch.truth_alpha)
    kept = repaired(batch, torch.ones_like(batch.truth), zero - 40, zero)
    left = (batch.image[:, ALPHA : ALPHA + 1] >= batch.truth_alpha) & ~batch.face
    assert torch.equal((kept.colours - batch.image[:, COLOURS]) * left, torch.zeros_like(batch.truth))
    assert float((kept.logit.sigmoid() - batch.image[:, ALPHA : ALPHA + 1]).abs().max()) < 0.011
    assert not refine_losses.whole(batch.image)[batch.image[:, REAL : REAL + 1] < 0.5].any()


def test_a_discriminator_learns_to_tell_apart() -> None:
    torch.manual_seed(0)
    net = discriminator.PatchDiscriminator()
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    real, fake = torch.rand(2, 4, 64, 48), torch.zeros(2, 4, 64, 48)
    losses = []
    for _ in range(12):
        loss = discriminator.discriminator_loss(net(real), net(fake))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert float(discriminator.generator_loss(net(real))) < float(discriminator.generator_loss(net(fake)))
    assert (
        float(discriminator.matching_loss(net(real), net(real)))
        < 1e-3
        < float(discriminator.matching_loss(net(real), net(fake)))
    )


def test_a_loss_that_is_no_number_ends_the_run_by_name(dataset: Path, tmp_path: Path) -> None:
    run = RefineTraining(replace(RECIPE, features=0.0), Features(ParserNet().eval()), CPU)
    torch.nn.init.constant_(run.net.head.weight, float("nan"))
    planes = whole(torn_figure(0), SIZE[1])
    with pytest.raises(InputError, match=r"no number any more in batch 0: .*pixel.*learning_rate"):
        run._step([*(torch.from_numpy(part[None].copy()) for part in vars(planes).values()), torch.ones(1)], 0.1)


def test_samples_are_unpacked_once(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = open_dataset(dataset)
    first = decoded(listing, "train", tmp_path)
    monkeypatch.setattr("tryon_service.training.decoded.read_shard", lambda _: pytest.fail("unpacked again"))
    again = decoded(listing, "train", tmp_path)
    assert len(first) == len(again) == 6
    for index in (0, 5):
        wanted = torn_figure(index)
        for name, value in vars(again[index]).items():
            assert np.array_equal(value, getattr(wanted, name)), name
    monkeypatch.undo()
    write_dataset(tmp_path / "other", train=3)
    assert len(decoded(open_dataset(tmp_path / "other"), "train", tmp_path)) == 3, "another dataset, unpacked anew"


def test_bad_datasets_are_refused_before_training(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest"):
        train_refine(tmp_path, tmp_path / "out", RECIPE)
    broken = write_dataset(tmp_path / "broken")
    shard = broken / "train.zip"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"train\.zip is truncated"):
        train_refine(broken, tmp_path / "out", RECIPE)
    with pytest.raises(InputError, match="no samples on the side 'held'"):
        train_refine(write_dataset(tmp_path / "one_sided", held=0), tmp_path / "out", RECIPE)
    checkpoint.save(tmp_path / "out" / "last.pt", {"ema": ParserNet().state_dict()})
    with pytest.raises(InputError, match="another architecture"):
        train_refine(dataset, tmp_path / "out", RECIPE)


def test_the_command_names_what_does_not_fit(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "refine", "--data", str(dataset), "--out", str(tmp_path / "out")]
    (tmp_path / "recipe.toml").write_text("ema = 2")
    for extra, word in (
        (["--unlabelled", str(tmp_path)], "Only the parser"),
        (["--recipe", str(tmp_path / "recipe.toml")], "ema: 2"),
        (["--recipe", str(tmp_path / "none.toml")], "no file"),
        (["--data", str(tmp_path)], "manifest"),
    ):
        assert main([*command, *extra]) == 2
        said = capsys.readouterr().err
        assert word in said
        assert len(said.splitlines()) == 1
