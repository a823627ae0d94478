"""A picture moved by hand: the controls that a model offers, and one source at any place along them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.core.suggestions import unknown
from lia_bench.core.video.conversion import image_of
from lia_bench.models.blocks.standing_weights import StandingWeights

if TYPE_CHECKING:
    from lia_bench.core.video.conversion import PictureLike
    from lia_bench.models.animator import Animator


@dataclass(frozen=True)
class Control:
    """Something of a picture that can be moved.

    Attributes:
        name: what users type.
        description: what it moves, and in which unit.
        lowest: amount that a slider begins at; further out is allowed, and seldom looks like anything.
        highest: amount that a slider ends at.
        neutral: amount that leaves the picture as it is.
    """

    name: str
    description: str
    lowest: float
    highest: float
    neutral: float = 0.0


def read_amounts(settings: Iterable[str]) -> dict[str, float]:
    """Amounts by name from texts such as 'yaw=-0.3'; those of one control add up.

    Raises:
        InputError: a text of another form, or an amount that is no finite number.
    """
    amounts: dict[str, float] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        try:
            amount = float(text) if "_" not in text else math.nan
        except ValueError:
            amount = math.nan
        if not (equals and name.strip() and math.isfinite(amount)):
            raise InputError(f"'{setting}' is no edit: write it as control=number, such as yaw=-0.3")
        amounts[name.strip()] = amounts.get(name.strip(), 0.0) + amount
    return amounts


def control_named(controls: Sequence[Control], name: str) -> Control:
    """The control of that name; InputError with the nearest where there is none."""
    found = next((control for control in controls if control.name == name), None)
    if found is None:
        raise InputError(unknown("control", name, [control.name for control in controls]))
    return found


def amounts_row(controls: Sequence[Control], amounts: Mapping[str, float]) -> Tensor:
    """Amounts (1, len(controls)) in the controls' order; what is not named stays neutral.

    Raises:
        InputError: there is no control of a name, or its amount is no finite number.
    """
    row = [control.neutral for control in controls]
    for name, amount in amounts.items():
        if not math.isfinite(amount):
            raise InputError(f"{name}={amount}: an amount is a finite number")
        row[controls.index(control_named(controls, name))] = float(amount)
    return torch.tensor([row])


class Editor:
    """A source that was encoded once, shown at any amounts of its model's controls.

    With every amount neutral it is the source in its own pose, as the model renders it: the first frame of relative
    transfer. Amounts count from there, so that an edit and its opposite lead back.
    """

    def __init__(self, animator: "Animator", source: "PictureLike") -> None:
        """`source`: as `Animator.animate` takes it.

        Raises:
            InputError: another shape or range, or a model without controls.
        """
        self.controls = animator.controls()
        if not self.controls:
            raise InputError("this model has no controls to edit by: it can only animate")
        picture = image_of(source, "source")
        animator.check_frame("source", picture)
        self._animator = animator
        self._source = picture[None].to(animator.device)
        self._weights = StandingWeights()
        with animator.evaluating(self._weights):
            self._encoded = animator.encode_source(self._source, self._source, "relative")

    def pictures(self, amounts: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], on the CPU, for amounts (N, controls) in the controls' order; all N at once.

        Raises:
            InputError: a control needs something that the source does not show, such as a face.
            MissingWeightsError: a control needs a network that is not on this machine.
        """
        with self._animator.evaluating(self._weights):
            encoded = self._animator.edited(self._encoded, amounts.to(self._source))
            rendered = self._animator.render(encoded, self._source.expand(len(amounts), -1, -1, -1))
            return rendered.clamp(0, 1).float().cpu()

    def picture(self, amounts: Mapping[str, float]) -> Tensor:
        """The picture (3, H, W) with each control named at its amount; errors as of `pictures` and `amounts_row`."""
        return self.pictures(amounts_row(self.controls, amounts))[0]

    def sweep(
        self, name: str, values: Sequence[float], amounts: Mapping[str, float] | None = None, batch_size: int = 8
    ) -> Iterator[Tensor]:
        """Pictures (3, H, W) of one control at each value in turn, the others as `amounts` says; errors likewise."""
        rows = torch.cat([amounts_row(self.controls, {**(amounts or {}), name: value}) for value in values])
        for batch in rows.split(batch_size):
            yield from self.pictures(batch)
