"""Labels of the network's own for photos that have none: kept where it is sure and its mirror image agrees.

After Lee, "Pseudo-Label" (2013); the teacher is the moving average: Tarvainen and Valpola, "Mean teachers" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.training.augment import plain_crop, plain_matrix
from tryon_service.training.dataset import IGNORE, Sample
from tryon_service.types import Size

SURE = 0.75
"""Least probability, averaged over the photo and its mirror image, of a label that is kept."""
MAX_UNSURE = 0.35
"""Photos of which more of the person stays without a label are left out."""


@torch.no_grad()
def pseudo_labelled(net: nn.Module, samples: Sequence[Sample], size: Size, device: torch.device) -> list[Sample]:
    """The samples with the network's answers as classes, IGNORE elsewhere; those it is too unsure of are left out."""
    found = []
    for sample in samples:
        labelled = _labelled(net, sample, size, device)
        person = labelled.mask > 127
        if person.any() and np.mean(labelled.classes[person] == IGNORE) <= MAX_UNSURE:
            found.append(labelled)
    return found


def _labelled(net: nn.Module, sample: Sample, size: Size, device: torch.device) -> Sample:
    image, pose, _ = plain_crop(sample, size).tensors()
    images = torch.from_numpy(np.stack([image, image[..., ::-1]])).to(device)
    poses = torch.from_numpy(np.stack([pose, pose[..., ::-1]])).to(device)
    logits = functional.interpolate(net(images, poses).float(), size=images.shape[2:], mode="bilinear")
    probability = logits.softmax(dim=1)
    here, mirrored = probability[0], probability[1].flip(-1)
    mean = (here + mirrored) / 2
    kept = (mean.amax(dim=0) >= SURE) & (here.argmax(dim=0) == mirrored.argmax(dim=0))
    answer = torch.where(kept, mean.argmax(dim=0), torch.tensor(IGNORE, device=device))
    classes = answer.to(torch.uint8).cpu().numpy()
    classes[classes >= len(CLASSES)] = IGNORE
    height, width = sample.mask.shape
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(classes, plain_matrix(sample, size), (width, height), flags=flags, borderValue=(IGNORE,))
    return replace(sample, classes=back.astype(np.uint8))
