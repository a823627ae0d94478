"""The metrics there are: our own, which definitions.py lists, and entry points `lia_bench.metrics`."""

from collections.abc import Iterable

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.registry import TableRegistry
from lia_bench.core.suggestions import unknown
from lia_bench.metrics import definitions
from lia_bench.metrics.extractors.extractor import EXTRACTORS
from lia_bench.metrics.specification import MetricSpecification, Protocol, UnavailableMetricError
from lia_bench.metrics.theval.definitions import COLUMNS as THEVAL

METRICS: TableRegistry[MetricSpecification] = TableRegistry(
    "metric", MetricSpecification, definitions, "DEFINITIONS", "lia_bench.metrics"
)

SUBJECTS = ("face", "body", "sample")
"""What clips may show, as far as metrics care: 'sample' are the heads with marks of the sample dataset."""

ALIASES = (
    *("l1", "lpips", "psnr", "ssim", "ms_ssim", "akd", "mkr", "aed", "csim", "fid", "video_fid", "fvd"),
    *("pose_error", "expression_error", "jitter", "flicker", "l1_face", "l1_eyes", "l1_mouth", "l1_background"),
    *THEVAL,
)
"""The plain names, in the order of the columns of result tables."""


def check_name(name: str) -> None:
    """Raise UnknownNameError for what is neither a metric's id nor a plain name."""
    if name not in METRICS and name not in plain_names():
        raise UnknownNameError(unknown("metric", name, [*plain_names(), *METRICS]))


def usual_names(protocol: Protocol) -> list[str]:
    """What is computed when nobody says what to compute: every plain name that the protocol knows."""
    return ordered(dict.fromkeys(metric.alias for metric in METRICS.values() if protocol in metric.protocols))


def resolve(name: str, subject: str) -> MetricSpecification:
    """The definition that a name means for clips that show `subject`; empty where nobody knows what they show.

    Raises:
        UnknownNameError: no such name.
        UnavailableMetricError: what the plain name means depends on the subject, and not on this one.
    """
    check_name(name)
    if name in METRICS:
        return METRICS[name]
    meant = _meant(name)
    for metric in meant:
        if not metric.subjects or subject in metric.subjects:
            return metric
    if len(meant) == 1:
        these = f"these show '{subject}'" if subject else "what these show nobody said (--subject says it)"
        raise UnavailableMetricError(
            f"it is of clips that show {' or '.join(meant[0].subjects or ())} alone, and {these}"
        )
    known = "; ".join(f"{metric.name} for {' or '.join(metric.subjects or ())}" for metric in meant)
    seen = f"and there is none for '{subject}'" if subject else "which nobody said (--subject says it)"
    raise UnavailableMetricError(f"what '{name}' means depends on what the clips show, {seen}: {known}")


def weights_of(name: str) -> list[str]:
    """Names of the weights behind a metric; for a plain name, behind all that it may mean.

    Raises:
        UnknownNameError: neither a metric's id nor a plain name.
    """
    check_name(name)
    metrics = [METRICS[name]] if name in METRICS else _meant(name)
    return list(dict.fromkeys(weights for metric in metrics for weights in weights_behind(metric)))


def weights_behind(metric: MetricSpecification) -> tuple[str, ...]:
    """Names of the weights that a definition loads, its extractor's included."""
    return metric.weights + (EXTRACTORS[metric.extractor].weights if metric.extractor else ())


def ordered(names: Iterable[str]) -> list[str]:
    """Names in the order of the columns: by plain name as the tables have them, those of plug-ins last."""
    return sorted(
        dict.fromkeys(names), key=lambda name: (_position(METRICS[name].alias if name in METRICS else name), name)
    )


def _meant(alias: str) -> list[MetricSpecification]:
    """The definitions that a plain name stands for, each for its subjects."""
    return [metric for metric in METRICS.values() if metric.alias == alias and metric.subjects is not None]


def _position(alias: str) -> int:
    return ALIASES.index(alias) if alias in ALIASES else len(ALIASES)


def plain_names() -> list[str]:
    """Every plain name, whatever protocol knows it."""
    return list(dict.fromkeys(metric.alias for metric in METRICS.values()))
