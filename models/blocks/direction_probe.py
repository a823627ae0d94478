"""A source whose code is moved along the motion directions by hand: what each direction does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.motion_marks import recorded_flows
from lia_bench.models.blocks.standing_weights import StandingWeights

if TYPE_CHECKING:
    from lia_bench.models.blocks.latent_animator import LatentAnimator


@dataclass(frozen=True)
class DirectionEffect:
    """How much one unit of magnitude along a direction moves and changes a picture.

    Measured between one unit back and one unit forth from the source's own pose, and halved. A tanh bounds every
    flow, so further out a unit does less.

    Attributes:
        direction: its number, from 1.
        flow_by_resolution: by the decoder's resolutions 8, 16, ..., size: the length by which that level's flow
            field changes, averaged over the field, in pixels of the picture.
        picture: mean absolute change of the picture's values, which are in [0, 1]; it sees the masks as well,
            which keep flow from being shown.
    """

    direction: int
    flow_by_resolution: dict[int, float]
    picture: float

    @property
    def flow(self) -> float:
        """The effect size that directions are ranked by: the mean over the resolutions, each of the same weight.

        All of them, since every level adds its own warped features to the picture.
        """
        return sum(self.flow_by_resolution.values()) / len(self.flow_by_resolution)


class DirectionProbe:
    """A source, encoded once, at any place along the directions.

    A place is told by offsets (N, motion_dim) from the source's own magnitudes: the code is
    w + D(a(source)) + D(offset), where a are magnitudes and D sums the directions by them, so that offset 0 is the
    source in its own pose, as absolute transfer with the source as its own driving frame renders it.
    """

    def __init__(self, animator: "LatentAnimator", source: Tensor) -> None:
        """`source`: float32 (3, size, size) in [0, 1].

        Raises:
            InputError: another shape or range, or a LIA without the motion dictionary.
        """
        dictionary = animator.motion_dictionary()
        animator.check_frame("source", source)
        self._animator, self._decoder, self._weights = animator, animator.decoder, StandingWeights()
        with animator.evaluating(self._weights):
            # The network's own range is [-1, 1].
            latent, self._pyramid = animator.encoder(source[None].to(dictionary.weight.device) * 2 - 1)
            self._directions = dictionary()
            own = animator.magnitude_head(latent)
            self._code, self._posed = latent, latent + own @ self._directions.t()
        self.magnitudes: Tensor = own[0].float().cpu()
        """The source's own magnitudes, (motion_dim,)."""

    @property
    def count(self) -> int:
        """How many directions there are."""
        count: int = self._directions.shape[1]
        return count

    def pictures(self, offsets: Tensor) -> Tensor:
        """(N, 3, size, size) in [0, 1], on the CPU, for offsets (N, motion_dim); all N at once."""
        with self._animator.evaluating(self._weights):
            return _shown(self._decoder(self._codes(offsets), self._pyramid))

    def moved(self, amounts: Mapping[int, float]) -> Tensor:
        """The picture (3, size, size) with each direction's magnitude changed by its amount.

        Raises:
            InputError: there is no direction of that number; they start at 1.
        """
        offset = torch.zeros(1, self.count)
        for direction, amount in amounts.items():
            offset[0, self._column(direction)] = amount
        return self.pictures(offset)[0]

    def sweep(self, direction: int, amounts: Sequence[float], batch_size: int = 8) -> Iterator[Tensor]:
        """Pictures (3, size, size) of one direction's magnitude changed by each amount in turn.

        Raises:
            InputError: there is no direction of that number.
        """
        column = self._column(direction)
        for batch in torch.as_tensor(amounts, dtype=torch.float32).split(batch_size):
            offsets = torch.zeros(len(batch), self.count)
            offsets[:, column] = batch
            yield from self.pictures(offsets)

    def reference_image(self) -> Tensor:
        """What the source's code shows alone, without its magnitudes: (3, size, size) in [0, 1] (paper, figure 5)."""
        with self._animator.evaluating(self._weights):
            return _shown(self._decoder(self._code, self._pyramid))[0]

    def effect(self, direction: int) -> DirectionEffect:
        """What one unit of magnitude does along a direction.

        Raises:
            InputError: there is no direction of that number.
        """
        offsets = torch.zeros(2, self.count)
        offsets[:, self._column(direction)] = torch.tensor([-1.0, 1.0])
        with recorded_flows() as flows:
            back, forth = self.pictures(offsets)
        side = forth.shape[-1]
        fields = [flow.positions for flow in flows]
        # A flow of 1 is half the picture's side.
        lengths = {field.shape[1]: (field[1] - field[0]).norm(dim=-1).mean() / 2 * side / 2 for field in fields}
        return DirectionEffect(
            direction,
            flow_by_resolution={resolution: float(length) for resolution, length in lengths.items()},
            picture=float((forth - back).abs().mean() / 2),
        )

    def _codes(self, offsets: Tensor) -> Tensor:
        codes: Tensor = self._posed + offsets.to(self._posed.device) @ self._directions.t()
        return codes

    def _column(self, direction: int) -> int:
        if not 1 <= direction <= self.count:
            raise InputError(f"there is no direction {direction}: they are numbered from 1 to {self.count}")
        return direction - 1


def _shown(image: Tensor) -> Tensor:
    return ((image.float() + 1) / 2).clamp(0, 1).cpu()
