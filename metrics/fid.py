"""FID: Frechet distance between Inception features of frames, as the package pytorch-fid has it."""

from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.specification import Compares, MetricSpecification

FEATURES = 2048

DEFINITIONS = (
    MetricSpecification(
        name="fid_inception",
        alias="fid",
        subjects=(),
        summary="Frechet distance between Inception-v3 features of all generated and all true frames",
        better="lower",
        decimals=2,
        open=lambda setting: lambda: FrechetMetric(FEATURES),
        compares=Compares.SETS,
        extractor="inception",
    ),
)
