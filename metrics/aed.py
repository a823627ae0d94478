"""AED: average Euclidean distance between identity features; a definition for each network."""

from collections.abc import Callable

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.protocols import Protocol
from lia_bench.metrics.setting import ScoringSetting
from lia_bench.metrics.specification import Compares, MetricSpecification


class SquaredDistance(FrameMetric):
    """AED of the literature, which in spite of its name is the squared distance between features (B, D)."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) squared differences, summed over the dimensions."""
        return (generated.double() - reference.double()).square().sum(dim=1)


class FeatureDistance(FrameMetric):
    """AED, strict: the Euclidean distance between features (B, D)."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) distances."""
        distance: Tensor = torch.linalg.vector_norm(generated.double() - reference.double(), dim=1)
        return distance


def _open(setting: ScoringSetting) -> Callable[[], FrameMetric]:
    return SquaredDistance if setting.protocol is Protocol.LITERATURE else FeatureDistance


def _definition(name: str, extractor: str, network: str, subject: str) -> MetricSpecification:
    return MetricSpecification(
        name=name,
        alias="aed",
        subjects=(subject,),
        summary=f"distance between identity features of {network}",
        better="lower",
        decimals=4,
        open=_open,
        compares=Compares.FEATURES,
        extractor=extractor,
        averaging={Protocol.LITERATURE: "frames", Protocol.STRICT: "clips"},
    )


DEFINITIONS = (
    _definition("aed_openface", "openface", "OpenFace nn4.small2", "face"),
    _definition("aed_reid", "person-reid", "the re-identification ResNet-50", "body"),
)
