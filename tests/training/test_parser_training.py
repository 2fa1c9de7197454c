"""Two steps of training on drawn figures: it runs, goes on where it was stopped, and its ONNX file says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("onnxscript", reason="the export needs onnxscript (the extra `neural`)")

from tryon_service.appearance.labelled import check_folder, read_ids, read_rgb  # noqa: E402
from tryon_service.appearance.labels import CCP_NAMES  # noqa: E402
from tryon_service.errors import InputError, RefusedError  # noqa: E402
from tryon_service.figures import OUTFITS, Figure, draw_figure  # noqa: E402
from tryon_service.perception.base import PoseEstimate  # noqa: E402
from tryon_service.perception.nets.parser_input import CLASSES  # noqa: E402
from tryon_service.perception.nets.parser_net import ParserNet  # noqa: E402
from tryon_service.perception.parse_onnx import OnnxParser  # noqa: E402
from tryon_service.training import augment, checkpoint, pseudo  # noqa: E402
from tryon_service.training.dataset import IGNORE, Sample, make_sample, split  # noqa: E402
from tryon_service.training.loop import one_cycle  # noqa: E402
from tryon_service.training.losses import dice_loss, parsing_loss  # noqa: E402
from tryon_service.training.parser import ParserTraining, train_parser  # noqa: E402
from tryon_service.training.recipe import Recipe, Stage  # noqa: E402
from tryon_service.types import NetworkId, Part, Photo, Reason  # noqa: E402

# torch's exporter warns about itself.
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = (96, 128)
RECIPE = Recipe(
    (Stage((32, 48), 1), Stage((48, 64), 1)), validation=2, workers=0, batch=2, validate_every=1, self_training=0.5
)
_ID = {Part.HAIR: "hair", Part.UPPER: "t-shirt", Part.TROUSERS: "jeans", Part.SHOES: "shoes", Part.SKIRT: "skirt"}


class KnownPose:
    """Knows the drawn figures by their photos."""

    networks: tuple[NetworkId, ...] = ()

    def __init__(self, figures: dict[bytes, Figure]) -> None:
        self.figures = figures

    def estimate(self, photo: Photo) -> PoseEstimate:
        figure = self.figures.get(photo.rgb.tobytes())
        if figure is None:
            raise RefusedError([Reason("no_person")])
        return PoseEstimate(figure.keypoints, figure.matte, 1.0)


def ids_of(figure: Figure) -> np.ndarray:
    """The figure's parsing in CCP's ids."""
    table = np.full(256, CCP_NAMES.index("skin"), np.uint8)
    table[0] = 0
    for part, name in _ID.items():
        table[part] = CCP_NAMES.index(name)
    return table[figure.parsing]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KnownPose]:
    """Six drawn figures as a folder in CCP's form, and an estimator that knows them."""
    data = tmp_path_factory.mktemp("ccp")
    (data / "photos").mkdir()
    (data / "labels").mkdir()
    figures = {}
    for index, outfit in enumerate([*OUTFITS.values()][:3] * 2):
        figure = draw_figure("standing" if index % 2 else "arms_out", outfit, SIZE, seed=index)
        figures[figure.photo.tobytes()] = figure
        Image.fromarray(figure.photo).save(data / "photos" / f"{index}.png")
        Image.fromarray(ids_of(figure)).save(data / "labels" / f"{index}.png")
    return data, KnownPose(figures)


@pytest.fixture
def sample(world: tuple[Path, KnownPose]) -> Sample:
    entries, table = check_folder(world[0])
    return make_sample("0", read_rgb(entries[0].photo), read_ids(entries[0].label), table, world[1])


def test_train_resume_and_agree(world: tuple[Path, KnownPose], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, as each part needs the one before: interrupted in its second epoch, taken up, exported, compared."""
    data, pose = world
    step, calls = ParserTraining._step, []

    def interrupted(self: ParserTraining, *args: Any) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ParserTraining, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_parser(data, tmp_path, RECIPE, pose)
    net = ParserNet()
    assert checkpoint.load(tmp_path / "last.pt", net)["progress"]["epoch"] == 1
    monkeypatch.setattr(pseudo, "SURE", 0.1)
    onnx = train_parser(data, tmp_path, RECIPE, pose, unlabelled=[data / "photos"])
    assert (tmp_path / "unlabelled.npz").exists()
    state = checkpoint.load(tmp_path / "last.pt", net)
    assert state["progress"]["epoch"] == 2
    assert 0 <= state["progress"]["history"][-1]["studio_miou"] <= 1
    assert not list(tmp_path.glob("*.part*"))
    assert Image.open(tmp_path / "curves.png").size[0] > 100
    assert len(json.loads((tmp_path / "split.json").read_text())["validation"]) == 2
    assert onnx.stat().st_size <= 12e6
    agree(net, state, onnx)


def agree(net: ParserNet, state: dict[str, Any], onnx: Path) -> None:
    """Torch and ONNX give the same logits, one crop at a time and two."""
    onnxruntime = pytest.importorskip("onnxruntime")
    net.load_state_dict(state["ema"])
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    for count in (1, 2):
        image, pose = torch.randn(count, 4, 64, 48), torch.rand(count, 16, 16, 12)
        with torch.no_grad():
            expected = net.eval()(image, pose).numpy()
        (found,) = session.run(None, {"image": image.numpy(), "pose": pose.numpy()})
        assert np.abs(found - expected).max() < 1e-3
    figure = draw_figure("standing", size=SIZE)
    parts = OnnxParser(onnx).parse(Photo(figure.photo, SIZE, ""), figure.keypoints, figure.matte)
    assert ((parts > 0) == (figure.matte >= 0.5)).all()


def test_pseudo_labels_are_sure_and_symmetric(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    class Certain(torch.nn.Module):
        """Sure of "upper" on the mask's left half of the crop, of background elsewhere."""

        def forward(self, image: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(len(image), len(CLASSES), image.shape[2] // 2, image.shape[3] // 2)
            logits[:, 0] = 5.0
            logits[:, 3, :, : image.shape[3] // 4] = 20.0
            return logits

    cpu = torch.device("cpu")
    assert not pseudo.pseudo_labelled(Certain(), [sample], SIZE, cpu), "the mirror image disagrees everywhere"
    monkeypatch.setattr(Certain, "forward", lambda _, image, pose: 20 * one_hot_upper(image))
    (found,) = pseudo.pseudo_labelled(Certain(), [sample], SIZE, cpu)
    assert (found.classes[found.mask > 127] == list(CLASSES).index("upper")).all()


def one_hot_upper(image: torch.Tensor) -> torch.Tensor:
    """Logits for "upper" all over."""
    logits = torch.zeros(len(image), len(CLASSES), image.shape[2] // 2, image.shape[3] // 2)
    logits[:, 3] = 1
    return logits


def test_bad_folders_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        train_parser(tmp_path, tmp_path / "out", RECIPE, KnownPose({}))


def test_a_checkpoint_of_another_kind_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    small = ParserNet(widths=(24, 64, 112, 192, 128))
    checkpoint.save(path, {"ema": small.state_dict()})
    with pytest.raises(InputError, match=r"another architecture: .*128"):
        checkpoint.load(path, ParserNet())
    state = {"format": 1, "classes": [*CLASSES][:-1], "ema": {}}
    torch.save(state, path)
    with pytest.raises(InputError, match="other classes: torso_skin"):
        checkpoint.load(path, ParserNet())
    torch.save(state | {"format": 9}, path)
    with pytest.raises(InputError, match="format 9"):
        checkpoint.load(path, ParserNet())
    path.write_bytes(b"half a fi")
    with pytest.raises(InputError, match=r"last\.pt can't be read"):
        checkpoint.load(path, ParserNet())


def test_a_failed_write_leaves_the_checkpoint_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    checkpoint.save(path, {"ema": {}})
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(path, {"ema": {}})
    assert path.read_bytes() == before


def test_samples_keep_labels_without_a_pose(world: tuple[Path, KnownPose], sample: Sample) -> None:
    assert sample.present.any()
    assert set(np.unique(sample.classes)) <= set(range(len(CLASSES)))
    figure = draw_figure("standing", size=SIZE)
    table = np.zeros(256, np.uint8)
    table[[1, 2]] = (Part.UPPER, 255)
    blind = make_sample("x", figure.photo, (figure.parsing > 0).astype(np.uint8) * 2, table, KnownPose({}))
    assert not blind.present.any()
    assert (blind.classes[blind.classes != 0] == IGNORE).all(), "skin of unknown limbs teaches nothing"


def test_crops_are_functions_of_their_seed(sample: Sample) -> None:
    for seed in range(12):
        crops = [augment.training_crop(sample, SIZE, np.random.default_rng(seed)) for _ in range(2)]
        assert np.array_equal(crops[0].rgb, crops[1].rgb)
        image, pose, classes = crops[0].tensors()
        assert np.isfinite(image).all()
        assert np.isfinite(pose).all()
        assert image.shape[1:] == classes.shape == SIZE[::-1]
        assert (crops[0].rgb[crops[0].classes == IGNORE] == 0).all()
    studio = augment.studio_crop(sample, SIZE, np.random.default_rng(0))
    assert studio.present.sum() < sample.present.sum(), "half the body is cut off"


def test_crops_move_labels_and_joints_with_the_photo(sample: Sample) -> None:
    crop = augment.plain_crop(sample, SIZE)
    person = crop.classes == list(CLASSES).index("upper")
    assert person.any()
    x, y = crop.xy[[11, 12, 23, 24]].mean(axis=0).round().astype(int)
    assert person[y, x], "the trunk's middle lies on the top"


def test_split_keeps_near_duplicates_together() -> None:
    names = [f"{i:04d}" for i in range(60)]
    pairs = [(f"{i:04d}", f"{i + 30:04d}") for i in range(30)]
    kept = set(split(names, 10, pairs, seed=3))
    assert 10 <= len(kept) <= 11
    assert all((a in kept) == (b in kept) for a, b in pairs)
    assert split(names, 10, pairs, seed=3) == split(names[::-1], 10, pairs, seed=3)


def test_loss_falls_to_nothing_on_certain_answers() -> None:
    classes = torch.full((1, 8, 8), 3, dtype=torch.long)
    classes[:, :2] = IGNORE
    logits = torch.zeros(1, 13, 4, 4)
    logits[:, 3, 1:] = 40.0
    logits[:, 5, 0] = 40.0  # wrong, but where nothing is to be learned
    weights = torch.ones(13)
    right, wrong = (float(parsing_loss(sign * logits[:, :, 1:], classes[:, 2:], weights, 1.0)) for sign in (1, -1))
    assert right < 0.01 < 5 < wrong
    assert float(dice_loss(logits, classes[:, ::2, ::2])) < 0.01


def test_one_cycle_rises_and_falls() -> None:
    rates = [one_cycle(share) for share in (0, 0.05, 0.5, 1)]
    assert rates[0] < 0.1
    assert rates[1] == pytest.approx(1, abs=0.01)
    assert rates[3] < 0.01 < rates[2] < rates[1]


def test_stage_sizes_need_not_be_multiples_of_32() -> None:
    net = ParserNet().eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 4, 48, 80), torch.zeros(1, 16, 12, 20)).shape == (1, 13, 24, 40)
    assert replace(RECIPE, batch=4).epochs == 2


def test_bodies_bent_double_are_cut_somewhere(sample: Sample) -> None:
    """Knees above the hips and a mouth below the shoulders, as in photos of exercises."""
    bent = replace(sample, xy=sample.xy.copy(), present=np.ones(33, bool))
    bent.xy[[11, 12], 1], bent.xy[[23, 24], 1] = 40, 90
    bent.xy[[25, 26], 1], bent.xy[[9, 10], 1] = 50, 80
    for seed in range(20):
        left, top, right, bottom = augment.cut(
            bent, ("upper", "lower", "headless", "middle")[seed % 4], np.random.default_rng(seed)
        )
        assert 0 <= top < bottom <= SIZE[1]
        assert (left, right) == (0, SIZE[0])
