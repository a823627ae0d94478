"""The metrics of one evaluation: which were asked for, what they mean here, and what computes them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import torch

from lia_bench.core.errors import MissingWeightsError
from lia_bench.core.weights import WEIGHTS, how_to_get
from lia_bench.metrics.extractors.extractor import EXTRACTORS, ExtractorSetting
from lia_bench.metrics.features import LoadedExtractor
from lia_bench.metrics.registry import ordered, resolve, usual_names, weights_behind
from lia_bench.metrics.specification import MetricSpecification, ScoringSetting, UnavailableMetricError

if TYPE_CHECKING:
    from lia_bench.metrics.specification import Meter


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch with one thread in this thread: on cores that are busy otherwise, a second one is waited for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class SuiteMetric:
    """A column of the results.

    Attributes:
        column: the name it was asked for by.
        specification: the definition that the name means here.
        extractor: what it compares, of features and sets; None for images.
        description: the definition, and the files behind it: 'akd_openpose(pose_model.pth#0a1b2c3d)'.
        make: gives a fresh metric; torchmetrics' add up over processes until they are told not to.
        make_since_first: likewise, one that compares what changed since the first frame, as relative transfer means it.
    """

    column: str
    specification: MetricSpecification
    extractor: LoadedExtractor | None
    description: str
    make: "Callable[[], Meter]"
    make_since_first: "Callable[[], Meter]"


@dataclass(frozen=True)
class Suite:
    """What scores frames.

    Attributes:
        setting: what all frames have in common.
        columns: what was asked for, in the order of the columns of results.
        metrics: those that can be had, in the order asked for.
        unavailable: for each column that cannot be had, the reason.
        missing_weights: for each column that only lacks weights on this machine, their names.
        threads: how many score frames side by side.
        workers: these threads.
    """

    setting: ScoringSetting
    columns: tuple[str, ...]
    metrics: tuple[SuiteMetric, ...]
    unavailable: dict[str, str]
    missing_weights: dict[str, list[str]]
    threads: int
    workers: ThreadPoolExecutor


def open_suite(
    names: Sequence[str] | None,
    subject: str,
    setting: ScoringSetting,
    announce: Callable[[str], None] = lambda line: None,
) -> Suite:
    """The metrics that are asked for, networks loaded.

    Args:
        names: of metrics; None is every plain name of the protocol.
        subject: what the clips show, empty where nobody knows.
        setting: what all frames have in common.
        announce: takes a line for each plain name that stands for one of several definitions: which one.

    Raises:
        UnknownNameError: a metric that there is not.
        CheckpointError: a file of weights is not the published one.
    """
    columns = ordered(names if names is not None else usual_names(setting.protocol))
    loaded: dict[str, LoadedExtractor] = {}
    metrics: list[SuiteMetric] = []
    unavailable: dict[str, str] = {}
    missing_weights: dict[str, list[str]] = {}
    meant: dict[str, tuple[MetricSpecification, tuple[str, ...]]] = {}
    for column in columns:
        try:
            specification = resolve(column, subject)
            _check_protocol(specification, setting)
        except UnavailableMetricError as error:
            unavailable[column] = str(error)
        else:
            meant[column] = specification, weights_behind(specification)
    for column, (specification, weights) in meant.items():
        missing = [name for name in weights if not WEIGHTS[name].path.is_file()]
        if missing and min(setting.height, setting.width) >= specification.smallest_side:
            missing_weights[column] = missing
            unavailable[column] = "; ".join(
                f"the weights '{name}' are not here: {how_to_get(WEIGHTS[name])}" for name in missing
            )
            continue
        try:
            extractor = _open_extractor(specification.extractor, setting, loaded) if specification.extractor else None
            make = specification.opened(setting)
            since = specification.opened(replace(setting, since_first=True)) if specification.of_motion else make
            description = _description(specification, extractor)
            metrics.append(SuiteMetric(column, specification, extractor, description, make, since))
        except (MissingWeightsError, UnavailableMetricError) as error:
            unavailable[column] = str(error)
    threads = torch.get_num_threads()
    workers = ThreadPoolExecutor(threads, "metrics")
    unavailable = {column: unavailable[column] for column in columns if column in unavailable}
    for metric in metrics:
        if metric.column != metric.specification.name:
            announce(f"{metric.column}: {metric.specification.name}")
    return Suite(setting, tuple(columns), tuple(metrics), unavailable, missing_weights, threads, workers)


def _open_extractor(name: str, setting: ScoringSetting, loaded: dict[str, LoadedExtractor]) -> LoadedExtractor:
    if name not in loaded:
        loaded[name] = LoadedExtractor(EXTRACTORS[name], ExtractorSetting(setting.device, setting.protocol))
    return loaded[name]


def _description(specification: MetricSpecification, extractor: LoadedExtractor | None) -> str:
    files = extractor.description if extractor else "+".join(WEIGHTS[name].file_name for name in specification.weights)
    behind = "+".join(filter(None, [files, *(f"{name}-{version(name)}" for name in specification.libraries)]))
    return f"{specification.name}({behind})" if behind else specification.name


def _check_protocol(specification: MetricSpecification, setting: ScoringSetting) -> None:
    if setting.protocol not in specification.protocols:
        raise UnavailableMetricError(
            f"measured under another protocol: --protocol {' or '.join(specification.protocols)}"
        )
