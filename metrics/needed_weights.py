"""Which third-party weights a metric loads."""

from lia_bench.metrics.extractors.registry import EXTRACTORS
from lia_bench.metrics.registry import METRICS, check_name
from lia_bench.metrics.specification import MetricSpecification


def weights_of(name: str) -> list[str]:
    """Names of the weights behind a metric; for a plain name, behind all that it may mean.

    Raises:
        UnknownNameError: neither a metric's id nor a plain name.
    """
    check_name(name)
    needed = [weights for metric in _meant(name) for weights in weights_behind(metric)]
    return list(dict.fromkeys(needed))


def _meant(name: str) -> list[MetricSpecification]:
    if name in METRICS:
        return [METRICS[name]]
    return [metric for metric in METRICS.values() if metric.alias == name and metric.subjects is not None]


def weights_behind(metric: MetricSpecification) -> tuple[str, ...]:
    """Names of the weights that a definition loads, its extractor's included."""
    return metric.weights + (EXTRACTORS[metric.extractor].weights if metric.extractor else ())
