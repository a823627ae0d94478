"""Models and experiments that tests of a model begin with."""

from typing import Any, TypeVar
from unittest.mock import patch

import torch
from torch import Tensor, nn

from lia_bench.models.animator import Animator
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.configuration import LiaModel
from lia_bench.models.loading import load_experiment, load_model
from lia_bench.models.training.configuration import ExperimentConfiguration

AnimatorOfModel = TypeVar("AnimatorOfModel", bound=Animator)
ConfigurationOfModel = TypeVar("ConfigurationOfModel", bound=ExperimentConfiguration)


SMALL_LIA = LiaModel(size=64, style_dim=32, motion_dim=4, channel_base=512, channel_limit=16)


def small_lia(configuration: LiaModel = SMALL_LIA) -> LiaAnimator:
    """An untrained LIA, smaller than demo-64, always with the same weights."""
    torch.manual_seed(0)
    return LiaAnimator(configuration)


def noise_frames(count: int) -> Tensor:
    """Frames (count, 3, 64, 64) in [0, 1], always the same."""
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def small_model(name: str, kind: type[AnimatorOfModel], **overrides: Any) -> AnimatorOfModel:
    """An untrained demo-64, always with the same weights."""
    torch.manual_seed(0)
    model = load_model(name, variant="demo-64", device="cpu", **overrides)
    assert isinstance(model, kind)
    return model


def experiment_of(
    name: str, kind: type[ConfigurationOfModel], variant: str, **layers: dict[str, Any]
) -> ConfigurationOfModel:
    """A variant with some of its sections changed."""
    _, experiment = load_experiment(name, variant, [layers])
    assert isinstance(experiment, kind)
    return experiment


def encodings_of_a_clip(model: Animator, network: nn.Module, **settings: Any) -> int:
    """How often `network.encode` runs while three batches of frames are animated; `settings`: as of `animate`."""
    with patch.object(network, "encode", side_effect=network.encode) as encode:
        model.animate(torch.rand(3, 64, 64), torch.rand(5, 3, 64, 64), batch_size=2, **settings)
    return encode.call_count
