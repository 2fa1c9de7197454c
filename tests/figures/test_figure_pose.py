"""The pose network finds drawn people where they were drawn."""

import numpy as np
import pytest

from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, POSES, draw_figure
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Photo

BODY_JOINTS = [*range(Landmark.LEFT_SHOULDER, Landmark.RIGHT_WRIST + 1), *range(Landmark.LEFT_HIP, 29)]


@pytest.fixture(scope="module")
def blazepose():
    pose_blazepose = pytest.importorskip("tryon_service.perception.pose_blazepose")
    try:
        return pose_blazepose.BlazePose(num_threads=1)
    except ZooError as error:
        pytest.skip(f"the pose networks are not in the zoo: {error}")


def offsets(blazepose, pose, outfit, seed):
    """Distances of the twelve body joints, as shares of the person's height."""
    figure = draw_figure(pose, outfit, seed=seed)
    height, width = figure.matte.shape
    estimate = blazepose.estimate(Photo(figure.photo, (width, height), ""))
    person = np.ptp(np.nonzero((figure.matte >= 0.5).any(axis=1))[0])
    return np.linalg.norm(estimate.keypoints.xy - figure.keypoints.xy, axis=1)[BODY_JOINTS] / person


@pytest.mark.parametrize("pose", POSES)
def test_network_agrees_with_the_drawing(blazepose, pose):
    outfits = list(OUTFITS.values())
    first = list(POSES).index(pose)
    chosen = [outfits[(first + 3 * k) % len(outfits)] for k in range(3)]
    found = np.array([offsets(blazepose, pose, outfit, k) for k, outfit in enumerate(chosen)])
    assert found.max() < 0.05
    assert np.median(found) < 0.02
