"""How stitching and retargeting are trained on base networks that stand still, the second stage (sections 3.2, 3.3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.volume_generator import EncodedSource
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.configuration import LivePortraitConfiguration
from lia_bench.models.liveportrait.face_landmarks import CHIN, LEFT_EYE, LIP_OUTLINE, RIGHT_EYE, face_landmarks
from lia_bench.models.liveportrait.face_terms import cut, shows_face, square_around
from lia_bench.models.liveportrait.retargeting import joined, mesh_openings, offsets_of, shifted
from lia_bench.models.loading import load_model
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

RETARGETING = ("stitching", "lips", "eyes")
READER = "opening_reader"
SEEN = 32
# Around eyes and lips, as a share of their width: what is read, and what may change.
MARGIN = 0.5
PARTS: tuple[tuple[int, ...], ...] = (LEFT_EYE, RIGHT_EYE, LIP_OUTLINE)


class OpeningReader(nn.Module):
    """Reads openings off frames so that gradients flow to these; it learns from MediaPipe's on true frames."""

    def __init__(self) -> None:
        super().__init__()
        self.eye, self.lips = _reader(), _reader()

    def forward(self, frames: Tensor, landmarks: Tensor) -> Tensor:
        """Openings (B, 3) of left eye, right eye and lips of frames (B, 3, H, W), at landmarks (B, 478, 2)."""
        left, right, lips = (cut(frames, square_around(landmarks[:, list(places)], MARGIN), SEEN) for places in PARTS)
        return torch.cat((self.eye(left), self.eye(right), self.lips(lips)), dim=1)


def _reader() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (SEEN // 8) ** 2, 1))


@dataclass(frozen=True)
class StandingSource:
    """A batch of sources as the base networks render them.

    Attributes:
        encoded: for the generator.
        points: (B, K, 3).
        frames: each source by its own points, (B, 3, H, W).
        landmarks: MediaPipe's, (B, 478, 2); NaN where no face is found.
        openings: of left eye, right eye and lips, (B, 3); 0 where no face is found.
    """

    encoded: EncodedSource
    points: Tensor
    frames: Tensor
    landmarks: Tensor
    openings: Tensor


class SecondStageRecipe(TrainingRecipe):
    """The source's picture, moved by another clip's motion and stitched, and with eyes and lips opened by chance.

    One update of what reads openings off frames, on true ones; then one of the stitching, lip and eye networks. What is
    compared is the source's own reconstruction: below the chin after stitching, outside eyes and lips after
    retargeting. Its authors published neither code nor weights, nor how an opening is read so that a network can learn
    from it.
    """

    animator: LivePortraitAnimator

    def __init__(self, experiment: LivePortraitConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: MediaPipe's landmarker is not on this machine.
            CheckpointError: the base's checkpoint is missing, damaged, of another model or of other sizes.
        """
        assert experiment.second_stage is not None
        self.stage = experiment.second_stage
        self.animator = LivePortraitAnimator(experiment.model)
        _fill(self.animator, self.stage.base, experiment)
        retargeting = self.animator.retargeting
        self.networks: dict[str, nn.Module] = {name: retargeting.get_submodule(name) for name in RETARGETING}
        self.networks[READER] = OpeningReader()
        rates = dict.fromkeys(self.networks, self.stage.learning_rate)
        self.optimisers = adam_for_each(self.networks, rates, experiment.optimiser.betas)
        self.base = (self.animator.motion_extractor, self.animator.generator)
        for network in self.base:
            network.requires_grad_(False)
        self.landmarks = face_landmarks()

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """The reader of openings; then stitching, lips and eyes."""
        for network in self.base:
            # Validation leaves them in training.
            network.eval()
        where = self.landmarks.of(batch.source)
        shown = shows_face(where)
        true = mesh_openings(where)
        openings = torch.cat((true.eyes, true.lips[:, None]), dim=1).nan_to_num()
        read = networks[READER](batch.source, where)
        yield Update((READER,), {READER: _mean_of((read - openings).abs().mean(dim=1), shown)})

        source, driving = self._standing(batch, where, openings)
        losses = self._stitched(networks, source, driving)
        for name in ("eyes", "lips"):
            losses |= self._retargeted(name, networks, source)
        yield Update(RETARGETING, losses)

    @torch.no_grad()
    def _standing(self, batch: PairBatch, landmarks: Tensor, openings: Tensor) -> tuple[StandingSource, Tensor]:
        """The source, and the points (B, K, 3) that another person's motion gives it."""
        extractor, generator = self.animator.motion_extractor, self.animator.generator
        source = extractor(batch.source)
        # The driver is another person: the one before in the batch.
        driver = extractor(batch.driving.roll(1, dims=0))
        points, encoded = source.points(), generator.encode(batch.source)
        frames = generator.render(encoded, points, points).frames
        standing = StandingSource(encoded, points, frames, landmarks, openings)
        return standing, driver._replace(canonical=source.canonical).points()

    def _stitched(self, networks: Mapping[str, Network], source: StandingSource, driving: Tensor) -> dict[str, Tensor]:
        numbers = networks["stitching"](joined(source.points, driving))
        frames = self._rendered(source, shifted(driving, numbers))
        rows = torch.linspace(-1, 1, frames.shape[2], device=frames.device)[None, :, None]
        shoulders = (rows > source.landmarks[:, CHIN, 1, None, None]).expand(-1, -1, frames.shape[3])
        return self._kept("stitching", frames, source, shoulders, numbers)

    def _retargeted(self, name: str, networks: Mapping[str, Network], source: StandingSource) -> dict[str, Tensor]:
        weights = self.stage.loss
        own, widest, parts = source.openings[:, :2], weights.widest_eyes, slice(0, 2)
        if name == "lips":
            own, widest, parts = source.openings[:, 2], weights.widest_lips, slice(2, 3)
        wanted = torch.rand(len(own), device=own.device) * widest
        numbers = networks[name](joined(source.points, own, wanted))
        frames = self._rendered(source, source.points + offsets_of(numbers))
        boxes = (square_around(source.landmarks[:, list(places)], MARGIN) for places in PARTS[parts])
        outside = torch.stack([_outside(box, *frames.shape[2:]) for box in boxes]).all(dim=0)
        losses = self._kept(name, frames, source, outside, numbers)
        if weights.condition:
            with networks[READER].frozen():
                found = networks[READER](frames, source.landmarks)[:, parts]
            missed = (found - wanted[:, None]).abs().mean(dim=1)
            losses[f"{name}_condition"] = weights.condition * _mean_of(missed, shows_face(source.landmarks))
        return losses

    def _rendered(self, source: StandingSource, points: Tensor) -> Tensor:
        return self.animator.generator.render(source.encoded, source.points, points).frames

    def _kept(
        self, name: str, frames: Tensor, source: StandingSource, mask: Tensor, numbers: Tensor
    ) -> dict[str, Tensor]:
        """The terms that all three have: what the mask (B, H, W) holds stays as it is, by small offsets."""
        weights = self.stage.loss
        difference = (frames - source.frames).abs().mean(dim=1) * mask
        changed = difference.sum(dim=(1, 2)) / mask.sum(dim=(1, 2)).clamp(min=1)
        losses = {name: weights.reconstruction * _mean_of(changed, shows_face(source.landmarks))}
        if weights.regularisation:
            losses[f"{name}_size"] = weights.regularisation * numbers.abs().mean()
        return losses


def _mean_of(values: Tensor, shown: Tensor) -> Tensor:
    """Mean of values (B,) over the frames that show a face; 0 where none does."""
    return torch.where(shown, values, 0.0).sum() / shown.sum().clamp(min=1)


def _outside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Whether each pixel lies outside of boxes (B, 4): (B, height, width)."""
    left, top, right, bottom = (side[:, None, None] for side in boxes.unbind(dim=1))
    x = torch.linspace(-1, 1, width, device=boxes.device)[None, None]
    y = torch.linspace(-1, 1, height, device=boxes.device)[None, :, None]
    return (x < left) | (x > right) | (y < top) | (y > bottom)


def _fill(animator: LivePortraitAnimator, base: str, experiment: LivePortraitConfiguration) -> None:
    """Put the first stage's weights into the networks that stand still; the others begin afresh."""
    shapes = experiment.model.model_dump(exclude={"motion", "size"})
    trained = load_model("liveportrait", base, device="cpu", **shapes)
    for name in ("motion_extractor", "generator"):
        animator.get_submodule(name).load_state_dict(trained.get_submodule(name).state_dict())
