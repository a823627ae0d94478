"""The metrics there are: a module here that defines METRIC, or an entry point `lia_bench.metrics`."""

import lia_bench.metrics
from lia_bench.core.registry import Registry
from lia_bench.metrics.specification import MetricSpecification

METRICS: Registry[MetricSpecification] = Registry("metric", lia_bench.metrics, "METRIC", "lia_bench.metrics")
