"""One run of a generator: drawing pairs, its losses, the two discriminators, and how a batch becomes a step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tryon_service.renderers.nets.discriminators import person_discriminator, pose_discriminator
from tryon_service.training.generator_features import FeatureNetwork
from tryon_service.training.generator_losses import feature_losses, fooling_loss, judging_loss, pixel_losses
from tryon_service.training.generator_recipe import GeneratorRecipe
from tryon_service.training.generator_samples import Batch, Pairs, batch_of, batches
from tryon_service.training.generator_start import remember_less
from tryon_service.training.loop import average, level_then_down
from tryon_service.training.run import TrainingRun, learned, set_rate
from tryon_service.training.team import Team

BETAS = (0.5, 0.999)
"""Adam's, as in both papers."""
STEEP = 10.0
"""Norm that gradients are cut down to, far above the usual one."""

DRAW: Mapping[str, Callable[[nn.Module, Batch], Tensor]] = MappingProxyType(
    {
        "adgan": lambda net, batch: net(batch.target_pose, batch.source, batch.source_parsing),
        "patn": lambda net, batch: net(batch.source, batch.source_pose, batch.target_pose),
    }
)
"""The person of the batch's sources in the poses of its targets, N x 3 x H x W in [-1, 1]."""


class GeneratorTraining(TrainingRun[GeneratorRecipe]):
    """Generator, its moving average, two discriminators and both sides' optimisers.

    name: a key of DRAW; net: the network to begin with; features: what pictures are compared by.
    """

    KEPT = ("net", "ema", "judges", "optimiser", "opponent")

    def __init__(
        self,
        name: str,
        net: nn.Module,
        recipe: GeneratorRecipe,
        features: FeatureNetwork,
        team: Team,
        about: Mapping[str, Any],
    ) -> None:
        super().__init__(recipe, team, about)
        self.draw = DRAW[name]
        self.features = features.to(self.device)
        self.net = net.to(self.device)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(requires_grad=False)
        width = recipe.discriminator_width
        self.judges = nn.ModuleList([pose_discriminator(width), person_discriminator(width)]).to(self.device)
        if recipe.checkpointing:
            remember_less(self.net)
        self.optimiser = torch.optim.Adam(learned(self.net), lr=recipe.learning_rate, betas=BETAS)
        self.opponent = torch.optim.Adam(self.judges.parameters(), lr=recipe.discriminator_rate, betas=BETAS)
        self._half = recipe.bf16 and self.device.type == "cuda" and torch.cuda.is_bf16_supported()

    def train_epoch(self, pairs: Pairs) -> dict[str, float]:
        """recipe.pairs pairs, drawn anew. Returns the mean of every loss, by name."""
        recipe, epoch = self.recipe, self.progress.epoch
        # Whatever is random about an epoch follows from its number, in each process by itself.
        torch.manual_seed((recipe.seed * 100_003 + epoch) * 1009 + self.team.rank)
        plan = batches(len(pairs), recipe.pairs, recipe.batch, [recipe.seed, epoch])
        shares = [self.team.share(batch) for batch in plan]
        loader = DataLoader(
            pairs, batch_sampler=shares, num_workers=recipe.workers, pin_memory=self.device.type == "cuda"
        )
        self.net.train()
        return self.run_epoch(loader)

    def _step(self, parts: Sequence[Tensor], share: float) -> dict[str, float]:
        fall = level_then_down(share, self.recipe.decline_from)
        set_rate(self.optimiser, self.recipe.learning_rate * fall)
        set_rate(self.opponent, self.recipe.discriminator_rate * fall)
        batch = batch_of(parts, self.device)
        against = self.recipe.adversarial > 0 and share >= self.recipe.adversarial_from
        losses = self.within_memory(lambda pieces: self._gradients(batch, pieces, against=against))
        values = self.finite(self.team.mean(losses))
        for optimiser, net in ((self.optimiser, self.net), (self.opponent, self.judges)):
            self.team.average_gradients(learned(net))
            nn.utils.clip_grad_norm_(learned(net), STEEP)
            optimiser.step()
        self.progress.step += 1
        average(self.ema, self.net, self.recipe.ema, self.progress.step)
        return values

    def _gradients(self, batch: Batch, pieces: int, *, against: bool) -> dict[str, float]:
        """Gradients of both sides for the batch, piece by piece; returns every loss by name."""
        self.optimiser.zero_grad(set_to_none=True)
        self.opponent.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for piece in batch.split(pieces):
            part = len(piece) / len(batch)
            with self._autocast():
                picture = self.draw(self.net, piece).float()
                losses = self._losses(picture, piece, against=against)
            loss = torch.stack([weight * value for weight, value in losses.values()]).sum()
            (part * loss).backward()  # type: ignore[no-untyped-call]
            values = {"loss": loss} | {name: value for name, (_, value) in losses.items()}
            if against:
                with self._autocast():
                    values["discriminator"] = judging_loss(
                        self._judges, piece.target, picture.detach(), self._beside(piece)
                    )
                (part * values["discriminator"]).backward()  # type: ignore[no-untyped-call]
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + part * float(value.detach())
        return sums

    def _losses(self, picture: Tensor, batch: Batch, *, against: bool) -> dict[str, tuple[float, Tensor]]:
        """Weights and values of what the generator is judged by."""
        recipe = self.recipe
        losses = pixel_losses(picture, batch)
        if recipe.perceptual or recipe.contextual:
            # Both are seen with the true outline and pose: what is wrong with those shows in the colours.
            found = self.features(picture, batch.alpha, batch.joints)
            with torch.no_grad():
                wanted = self.features(batch.target, batch.alpha, batch.joints)
            losses |= feature_losses(found, wanted, contextual=recipe.contextual > 0)
        if against:
            self.judges.requires_grad_(requires_grad=False)
            losses["adversarial"] = fooling_loss(self._judges, picture, self._beside(batch))
            self.judges.requires_grad_(requires_grad=True)
        return {name: (getattr(recipe, name), value) for name, value in losses.items()}

    @property
    def _judges(self) -> list[nn.Module]:
        return list(self.judges)

    @staticmethod
    def _beside(batch: Batch) -> tuple[Tensor, Tensor]:
        """What each judge sees beside the picture: the pose it is to show, and a photo of the person."""
        return batch.target_pose, batch.source

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._half)
