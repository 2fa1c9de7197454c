"""ADGAN at 256 x 176 on one core: as published, without the VGG's unused layers, and with the product's code kept.

    python -m tests.benchmarks.adgan_speed [--repeat N]

Full width, random weights: time doesn't depend on what they are. Processor time, since the machine may be busy; the
three take turns, so that a change of pace hits all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch

from tryon_service.renderers.generators import NATIVE_SIZE
from tryon_service.renderers.nets.adgan_net import CLASSES, JOINTS, AdganNet


@torch.no_grad()
def measure(repeat: int = 3) -> dict[str, float | bool]:
    """Medians of processor seconds, how much faster the two are than the whole, and whether all pictures were equal."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    whole = AdganNet(whole_vgg=True).eval()
    cut = AdganNet().eval()
    cut.load_state_dict({name: value for name, value in whole.state_dict().items() if name in cut.state_dict()})
    width, height = NATIVE_SIZE
    pose, image = torch.rand(1, JOINTS, height, width), torch.rand(1, 3, height, width) * 2 - 1
    labels = torch.randint(len(CLASSES), (1, height, width))
    parsing = torch.nn.functional.one_hot(labels, len(CLASSES)).permute(0, 3, 1, 2).float()
    code = cut.style(image, parsing)
    ways: dict[str, Callable[[], torch.Tensor]] = {
        "whole": lambda: whole(pose, image, parsing),
        "cut": lambda: cut(pose, image, parsing),
        "cached": lambda: cut.draw(pose, code),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    pictures = {name: draw() for name, draw in ways.items()}  # for warming up, too
    for _ in range(repeat):
        for name, draw in ways.items():
            start = time.process_time()
            draw()
            seconds[name].append(time.process_time() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        **{f"{name}_s": round(median, 2) for name, median in medians.items()},
        "cut_times_faster": round(medians["whole"] / medians["cut"], 2),
        "cached_times_faster": round(medians["whole"] / medians["cached"], 2),
        "same_pictures": all(torch.equal(picture, pictures["whole"]) for picture in pictures.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    print(json.dumps(measure(parser.parse_args().repeat), indent=2))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
