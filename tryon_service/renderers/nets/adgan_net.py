"""ADGAN's generator: a person's look as one code per attribute, and a target pose drawn in it.

Men et al., "Controllable Person Image Synthesis with Attribute-Decomposed GAN" (CVPR 2020), section 3.1: the pose
encoder, the decomposed component encoding, in which one encoder of textures sees one attribute at a time with a frozen
VGG beside what it learned, the fusion of codes, and the decoder, whose AdaIN layers are those of Huang and Belongie
(2017). Modules bear the names of the published weights, so that these load without a table of names. Needs torch.

A render is two steps, and the first depends on the product alone:

    code = net.style(image, parsing)     # its slices may come from several people
    picture = net.draw(pose, code)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import torch
from torch import Tensor, nn

from tryon_service.appearance.labels import ADGAN
from tryon_service.perception.skeletons import COCO18
from tryon_service.renderers.nets.layers import PictureNorm, adaptive_instance_norm, begin

CLASSES = tuple(ADGAN)
"""The attributes, in the order of the parsing's channels and of the code's slices."""
JOINTS = len(COCO18)
BLOCKS = 8
"""Residual blocks of the pose encoder, and as many of the decoder."""
ADAPTIVE = 2 * BLOCKS
"""AdaIN layers of the decoder."""
VGG19 = ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4))
"""Simonyan and Zisserman, "Very Deep Convolutional Networks ..." (2015): per stage the width, in units of the first
one's, and how many convolutions; the size is halved behind each stage."""
TAPS = (1, 6, 11, 20)
"""Its layers whose answers are used: conv1_1, conv2_1, conv3_1 and conv4_1, each behind its ReLU."""


@dataclass(frozen=True)
class AdganConfig:
    """Sizes; the defaults are the paper's. width: channels at full size; style: length of the code, a multiple of the
    number of classes; hidden: width of the fusion's perceptron. Raises ValueError."""

    width: int = 64
    style: int = 512
    hidden: int = 256

    def __post_init__(self) -> None:
        if min(astuple(self)) < 1 or self.style % len(CLASSES):
            raise ValueError(f"sizes must be positive, and style a multiple of {len(CLASSES)}: {self}")

    @classmethod
    def of(cls, shapes: Mapping[str, Sequence[int]]) -> AdganConfig:
        """Read off the shapes of a network's weights; what they don't show keeps its default."""
        names = {
            "width": ("enc_style.conv1.conv.weight", 1),
            "style": ("enc_style.model.1.weight", len(CLASSES)),
            "hidden": ("mlp.model.0.fc.weight", 1),
        }
        shown = {size: times * shapes[name][0] for size, (name, times) in names.items() if shapes.get(name)}
        return cls(**{size: number for size, number in shown.items() if number > 0})


class AdganNet(nn.Module):
    """See the module. Pictures are RGB in [-1, 1]; H and W are multiples of 4, 256 x 176 in the paper.

    whole_vgg: keep and run also the VGG's layers behind conv4_1, as published files and their code do. No answer
    depends on them.
    """

    def __init__(self, config: AdganConfig | None = None, *, whole_vgg: bool = False) -> None:
        super().__init__()
        self.config = config or AdganConfig()
        width, style, hidden = self.config.width, self.config.style, self.config.hidden
        self.enc_content = PoseEncoder(width)
        self.enc_style = TextureEncoder(width, style // len(CLASSES), whole_vgg=whole_vgg)
        self.fc = Dense(style, style, nn.ReLU())
        self.mlp = Perceptron(style, hidden, ADAPTIVE * 2 * 4 * width)
        self.dec = Decoder(4 * width)
        begin(self)

    def forward(self, pose: Tensor, image: Tensor, parsing: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1]: the person of image and parsing in another pose."""
        return self.draw(pose, self.style(image, parsing))

    def style(self, image: Tensor, parsing: Tensor) -> Tensor:
        """The person's code, N x S: a slice of S/8 numbers for each of CLASSES. image: N x 3 x H x W; parsing: N x 8 x
        H x W, one-hot in the order of CLASSES. What isn't there has a code too, that of a grey picture."""
        codes = [self.enc_style(image * parsing[:, i : i + 1]) for i in range(len(CLASSES))]  # 8 x [N, S/8]
        return torch.cat(codes, dim=1)  # [N, S]

    def draw(self, pose: Tensor, code: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1]. pose: N x 18 x H x W maps of the target's joints (retarget/pose_maps.py); code: as
        style gives it."""
        content = self.enc_content(pose)  # [N, 4D, H/4, W/4]
        numbers = self.mlp(self.fc(code))  # [N, 16*2*4D]
        picture: Tensor = self.dec(content, numbers.unflatten(1, (ADAPTIVE, 2, -1)))  # [N, 3, H, W]
        return picture


class Conv(nn.Module):
    """Convolution over a mirrored border, norm, activation. The size is kept or divided by the stride."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        *,
        norm: nn.Module | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, padding_mode="reflect")
        self.norm = norm or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.activation(self.norm(self.conv(x)))
        return answer


class PoseEncoder(nn.Module):
    """N x 18 x H x W -> N x 4D x H/4 x W/4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            _normed(JOINTS, width, 7),  # [N, D, H, W]
            _normed(width, 2 * width, 4, 2),  # [N, 2D, H/2, W/2]
            _normed(2 * width, 4 * width, 4, 2),  # [N, 4D, H/4, W/4]
            ResidualBlocks(4 * width),
        )

    def forward(self, pose: Tensor) -> Tensor:
        content: Tensor = self.model(pose)
        return content


def _normed(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Conv:
    return Conv(inputs, outputs, kernel, stride, norm=nn.InstanceNorm2d(outputs), activation=nn.ReLU())


class ResidualBlocks(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(ResidualBlock(channels) for _ in range(BLOCKS)))

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.model(x)
        return answer


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with instance norms, added to what came in; no activation behind the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        second = Conv(channels, channels, 3, norm=nn.InstanceNorm2d(channels))
        self.model = nn.Sequential(_normed(channels, channels, 3), second)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.model(x)
        return x + answer


class TextureEncoder(nn.Module):
    """N x 3 x H x W, one attribute over grey -> N x (S / 8). What is learned has as many channels as the VGG beside it.

    The VGG sees pictures in [-1, 1] like the rest, without the mean and deviation of its own training. It is frozen.
    """

    def __init__(self, width: int, length: int, *, whole_vgg: bool = False) -> None:
        super().__init__()
        self.vgg = vgg19(width, whole=whole_vgg).requires_grad_(requires_grad=False)
        self.conv1 = Conv(3, width, 7, activation=nn.ReLU())
        self.conv2 = Conv(2 * width, 2 * width, 4, 2, activation=nn.ReLU())
        self.conv3 = Conv(4 * width, 4 * width, 4, 2, activation=nn.ReLU())
        self.conv4 = Conv(8 * width, 8 * width, 4, 2, activation=nn.ReLU())
        self.model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16 * width, length, 1))

    def forward(self, attribute: Tensor) -> Tensor:
        x = attribute
        stages = (self.conv1, self.conv2, self.conv3, self.conv4)
        for stage, known in zip(stages, self.taps(attribute), strict=True):
            x = torch.cat([stage(x), known], dim=1)  # [N, 2D, H, W], [N, 4D, H/2, W/2], ... [N, 16D, H/8, W/8]
        code: Tensor = self.model(x).flatten(1)  # [N, S/8]
        return code

    def taps(self, picture: Tensor) -> list[Tensor]:
        """The VGG's answers at TAPS: N x D x H x W, N x 2D x H/2 x W/2, N x 4D x H/4 x W/4, N x 8D x H/8 x W/8."""
        answers, x = [], picture
        for index, layer in enumerate(self.vgg):
            x = layer(x)
            if index in TAPS:
                answers.append(x)
        return answers


def vgg19(width: int, *, whole: bool) -> nn.Sequential:
    """Its convolutional layers, numbered as everywhere; up to the last of TAPS unless whole."""
    layers: list[nn.Module] = []
    channels = 3
    for times, count in VGG19:
        for _ in range(count):
            layers += [nn.Conv2d(channels, times * width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = times * width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*(layers if whole else layers[: TAPS[-1] + 1]))


class Dense(nn.Module):
    """N x inputs -> N x outputs."""

    def __init__(self, inputs: int, outputs: int, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.activation(self.fc(x))
        return answer


class Perceptron(nn.Module):
    """Fusion: from the code to the numbers of every AdaIN layer, layer by layer, offsets before scales."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            Dense(inputs, hidden, nn.ReLU()), Dense(hidden, hidden, nn.ReLU()), Dense(hidden, outputs)
        )

    def forward(self, code: Tensor) -> Tensor:
        numbers: Tensor = self.model(code)
        return numbers


class Decoder(nn.Module):
    """N x C x h x w and N x 16 x 2 x C numbers -> N x 3 x 4h x 4w in [-1, 1]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.ModuleList(
            [
                AdaptiveBlocks(channels),
                nn.Upsample(scale_factor=2),
                _smoothed(channels, channels // 2),  # [N, C/2, 2h, 2w]
                nn.Upsample(scale_factor=2),
                _smoothed(channels // 2, channels // 4),  # [N, C/4, 4h, 4w]
                Conv(channels // 4, 3, 7, activation=nn.Tanh()),
            ]
        )

    def forward(self, content: Tensor, numbers: Tensor) -> Tensor:
        blocks, *rest = self.model
        x: Tensor = blocks(content, numbers)
        for layer in rest:
            x = layer(x)
        return x


def _smoothed(inputs: int, outputs: int) -> Conv:
    return Conv(inputs, outputs, 5, norm=PictureNorm(outputs), activation=nn.ReLU())


class AdaptiveBlocks(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.ModuleList(AdaptiveBlock(channels) for _ in range(BLOCKS))

    def forward(self, x: Tensor, numbers: Tensor) -> Tensor:
        for index, block in enumerate(self.model):
            x = block(x, numbers[:, 2 * index : 2 * index + 2])
        return x


class AdaptiveBlock(nn.Module):
    """A residual block whose two norms take offset and scale from the code: numbers is N x 2 x 2 x C."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.ModuleList(Conv(channels, channels, 3) for _ in range(2))

    def forward(self, x: Tensor, numbers: Tensor) -> Tensor:
        first, second = self.model
        inner = adaptive_instance_norm(first(x), numbers[:, 0, 0], numbers[:, 0, 1]).relu()
        return x + adaptive_instance_norm(second(inner), numbers[:, 1, 0], numbers[:, 1, 1])
