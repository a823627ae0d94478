"""AKD: average keypoint distance."""

from lia_bench.metrics.landmarks import LandmarkScorer
from lia_bench.metrics.specification import MetricSpecification

METRIC = MetricSpecification(
    name="akd",
    summary="mean of |dx| and |dy| between landmarks found in both frames, in pixels",
    better="lower",
    decimals=3,
    scorer=LandmarkScorer,
)
