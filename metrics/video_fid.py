"""Video FID and FVD: Frechet distances between features of windows of 16 frames."""

from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.specification import Compares, MetricSpecification

RESNEXT_FEATURES = 2048
I3D_FEATURES = 400

DEFINITIONS = (
    MetricSpecification(
        name="video_fid_resnext101",
        alias="video_fid",
        subjects=(),
        summary="Frechet distance between 3D ResNeXt-101 features of windows of 16 frames",
        better="lower",
        decimals=3,
        open=lambda setting: lambda: FrechetMetric(RESNEXT_FEATURES),
        compares=Compares.SETS,
        extractor="resnext101",
    ),
    MetricSpecification(
        name="fvd_i3d",
        alias="fvd",
        subjects=(),
        summary="Frechet distance between I3D logits of windows of 16 frames",
        better="lower",
        decimals=1,
        open=lambda setting: lambda: FrechetMetric(I3D_FEATURES),
        compares=Compares.SETS,
        extractor="i3d",
    ),
)
