"""The parts of a training configuration that all models share, the names that users give its settings, and ablations.

An ablation is what a paper takes apart: a named set of settings of a model, over any of its variants.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section, merge, read_yaml, validate
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.models.specification import ModelSpecification

SMALLEST_FOR_VGG19 = 16
"""Side in pixels that leaves a feature of the last of its layers that are compared."""

KEY = "ablation"


class ColourJitter(Section):
    """Largest change of brightness, contrast, saturation (factors around 1) and hue (turns, up to 0.5)."""

    brightness: float = Field(0.0, ge=0)
    contrast: float = Field(0.0, ge=0)
    saturation: float = Field(0.0, ge=0)
    hue: float = Field(0.0, ge=0, le=0.5)


class DataConfiguration(Section):
    """Where frame pairs come from and how they are varied."""

    dataset: str = Field(description="name of a prepared dataset, or a folder of clips")
    batch_size: int = Field(gt=0, description="pairs in an iteration, over all devices")
    accumulate: int = Field(
        1, gt=0, description="parts that a device computes its share of a batch in, one after the other, to save memory"
    )
    pairs: Literal["distinct", "ordered"] = Field(
        "distinct",
        description="distinct: two different frames in any order (LIA); ordered: two frames drawn with "
        "replacement, the earlier one is the source (FOMM)",
    )
    one_clip_per_identity: bool = Field(False, description="an epoch draws one clip of each person, not every clip")
    repeats: int = Field(1, gt=0, le=100_000, description="how often an epoch goes through the clips or persons")
    fill_batch: bool = Field(
        False, description="where an epoch would be less than a batch, go through it as often as that takes"
    )
    time_flip: float = Field(0.0, ge=0, le=1, description="chance that source and driving change places")
    horizontal_flip: float = Field(
        0.0,
        ge=0,
        le=1,
        description="chance of a mirrored pair, drawn only for pairs that were not flipped in time",
    )
    jitter: ColourJitter = ColourJitter()
    jitter_rule: Literal["all", "published"] = Field(
        "all",
        description="all: every change of the jitter, one upon the other; published: the last of their random order "
        "alone, as the code of LIA's authors does",
    )
    rotation: float = Field(0.0, ge=0, le=180, description="degrees to either side of a random rotation, before all")
    crop: int | None = Field(None, gt=0, description="side of a random crop, resized back to the model's size")
    scale: tuple[float, float] = Field((1.0, 1.0), description="range of a random resize before the crop")
    workers: int | None = Field(
        None,
        ge=0,
        description="processes that decode frames, for each device; null: one on the CPU, on GPUs the cores there are",
    )
    cache_megabytes: int = Field(
        1024, ge=0, description="memory for decoded clips, for each device, shared out among its workers"
    )

    @model_validator(mode="after")
    def _scale_is_a_range(self) -> Self:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError("scale is a range from a smaller to a larger positive factor")
        return self


class ScheduleConfiguration(Section):
    """How long to train, and what to write on the way; give iterations or epochs, not both."""

    iterations: int | None = Field(None, gt=0)
    epochs: int | None = Field(None, gt=0)
    seed: int = Field(0, ge=0, lt=2**32)
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of a moving average of the weights, which checkpoints then hold; 0: none"
    )
    log_every: int = Field(50, gt=0, description="iterations between two rows of metrics.csv")
    picture_every: int = Field(1000, gt=0, description="iterations between two sample pictures")
    checkpoint_every: int = Field(1000, gt=0, description="iterations between two checkpoints")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.iterations is None) == (self.epochs is None):
            raise ValueError("give either iterations or epochs, and set the other to null")
        return self


class StartConfiguration(Section):
    """What a run begins from; by default from fresh weights."""

    checkpoint: str | None = Field(
        None,
        description="a run, a checkpoint of it, the authors' file, or a published checkpoint by name such as "
        "fomm:vox-256; `train --from`",
    )
    everything: bool = Field(
        False,
        description="its discriminator and its optimisers, too, and not the animator alone; `train --from-all`",
    )

    @model_validator(mode="after")
    def _there_is_something(self) -> Self:
        if self.everything and self.checkpoint is None:
            raise ValueError("start.everything is of a start.checkpoint: give both, or neither")
        return self


class ModelConfiguration(Section):
    """What every model has, trained or not: the network's own section.

    Attributes:
        published_names: what the model's paper calls some settings, and their keys here; users may write either.
    """

    published_names: ClassVar[Mapping[str, str]] = {}

    model: Section


class ExperimentConfiguration(ModelConfiguration):
    """What a variant's YAML file holds; each model's own class adds `model`, `loss` and `optimiser`.

    `model` has the field `size` (side of the frames in pixels).
    """

    data: DataConfiguration
    schedule: ScheduleConfiguration
    start: StartConfiguration = StartConfiguration()
    ablation: str | None = Field(
        None, description="one of those that `lia-bench models show` names: its settings, over the variant's"
    )

    @property
    def frame_size(self) -> int:
        """Side of the frames in pixels, that of the model."""
        size: int = self.model.size  # type: ignore[attr-defined]
        return size

    @property
    def references(self) -> int:
        """Frames of the clip that a training step sees beside source and driving: none, unless a model says so."""
        return 0

    @property
    def compared_size(self) -> int:
        """Side in pixels of the frames that losses compare; that of the frames, unless a model puts out larger ones."""
        return self.frame_size

    def check_perceptual_loss(self) -> None:
        """Raise InputError where frames are too small for the perceptual loss, if that has a weight.

        The loss section then says at which `scales` it compares.
        """
        loss = getattr(self, "loss", None)
        if not getattr(loss, "perceptual", 0):
            return
        needed = round(SMALLEST_FOR_VGG19 / min(loss.scales))  # type: ignore[union-attr]
        if self.compared_size < needed:
            raise InputError(
                f"loss.perceptual compares frames of {self.compared_size} pixels at scales down to "
                f"{min(loss.scales):g}, where VGG19 has nothing left to see: "  # type: ignore[union-attr]
                f"frames of {needed} pixels and more will do, or --set loss.perceptual=0"
            )


def own_key(kind: type[ModelConfiguration], key: str) -> str:
    """The key of a setting of `kind`, from that key or from the name that the model's paper has for it."""
    return kind.published_names.get(key, key)


def with_own_keys(kind: type[ModelConfiguration], layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer of settings, nested, with every name of the model's paper replaced by the configuration's key."""
    renamed = dict(layer)
    for theirs, own in kind.published_names.items():
        section, _, name = theirs.rpartition(".")
        values = renamed.get(section)
        if isinstance(values, Mapping) and name in values:
            renamed[section] = {key: value for key, value in values.items() if key != name}
            if not renamed[section]:
                del renamed[section]
            renamed = merge(renamed, nested(own, values[name]))
    return renamed


def nested(key: str, value: Any) -> dict[str, Any]:
    """`value` at a key such as 'model.motion_dim', as a layer of settings."""
    section, _, name = key.rpartition(".")
    layer = {name: value}
    return nested(section, layer) if section else layer


class Ablation(Section):
    """A row of a paper's ablation: what it leaves out, in words, and the settings that leave it out."""

    summary: str
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The keys of its settings as `--set` takes them; a whole section that it sets counts as one."""
        return [f"{section}.{name}" for section, values in self.settings.items() for name in values]


def read_ablations(specification: ModelSpecification) -> dict[str, Ablation]:
    """The ablations of a model by name, in the paper's order; none for a model without a file of them.

    Raises:
        InputError: the file is not readable.
    """
    path = specification.ablations
    if path is None:
        return {}
    return {name: validate(Ablation, content, f"{path}: {name}") for name, content in read_yaml(path).items()}


def settings_of_ablation(specification: ModelSpecification, name: str) -> Mapping[str, Any]:
    """What the ablation sets, nested.

    Raises:
        UnknownNameError: the model has no such ablation.
    """
    ablations = read_ablations(specification)
    if name not in ablations:
        model = specification.name
        if not ablations:
            raise UnknownNameError(f"{model} has no named ablations: leave out {KEY}={name}")
        raise UnknownNameError(unknown(f"ablation of {model}", name, ablations))
    return ablations[name].settings
