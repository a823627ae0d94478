"""What computes the metrics: one looks at the frames themselves, one at what a network says of them."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lia_bench.core.torch_weights import with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import ScoringSetting
from theirs.metric import WEIGHTS


class ColourDifference(FrameMetric):
    """Mean absolute difference of the frames' mean red, green and blue."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) for images (B, 3, H, W) in [0, 1], summed in 64 bits."""
        means = (images.mean(dim=(2, 3), dtype=torch.float64) for images in (generated, reference))
        return torch.sub(*means).abs().mean(dim=1)


class TextureDistance(FrameMetric):
    """Mean absolute difference of the filters' means."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) for features (B, 8)."""
        return (generated.double() - reference.double()).abs().mean(dim=1)


def open_colour(setting: ScoringSetting) -> Callable[[], FrameMetric]:
    """What makes a fresh metric."""
    return ColourDifference


def open_texture(setting: ScoringSetting) -> Callable[[], FrameMetric]:
    """What makes a fresh metric; the network is the extractor's."""
    return TextureDistance


def open_filters(setting: ExtractorSetting) -> Extractor:
    """The network on the setting's device: frames uint8 (B, 3, H, W) to features (B, 8).

    Raises:
        MissingWeightsError: the weights are not here; the text says how to get them.
    """
    filters = with_published_weights(nn.Conv2d(3, 8, 3), WEIGHTS.name, setting.device)

    def means(frames: Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: Tensor = filters(frames.to(setting.device).float() / 255).mean((2, 3))
        return found.cpu().numpy()

    return means
