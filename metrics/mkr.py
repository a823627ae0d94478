"""MKR: missing keypoint rate."""

from lia_bench.metrics.landmarks import LandmarkScorer
from lia_bench.metrics.specification import MetricSpecification

METRIC = MetricSpecification(
    name="mkr",
    summary="share of the reference frame's landmarks that the generated frame lacks",
    better="lower",
    decimals=4,
    scorer=LandmarkScorer,
)
