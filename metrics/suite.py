"""The metrics of one evaluation: which were asked for, what they mean here, and what computes them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import torch

from lia_bench.core.errors import MissingWeightsError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.registry import load_attribute
from lia_bench.core.weights import WEIGHTS, how_to_get, locate
from lia_bench.metrics.extractors.extractor import (
    EXTRACTORS,
    Extractor,
    ExtractorSetting,
    ExtractorSpecification,
    WindowRule,
)
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


@dataclass(frozen=True, eq=False)
class LoadedExtractor:
    """An extractor, ready; a network is loaded once an evaluation.

    Attributes:
        specification: its entry in the registry.
        window_rule: which windows of a clip it looks at.
        identity: what tells its numbers from those of every other extractor, weights and rule.
        description: the files behind it, as result tables name them.
        extract: what it says of frames.
    """

    specification: ExtractorSpecification
    window_rule: WindowRule
    identity: str
    description: str
    extract: Extractor


@dataclass(frozen=True)
class SuiteMetric:
    """A column of the results.

    Attributes:
        column: the name it was asked for by.
        specification: the definition that the name means here.
        extractor: what it compares, of features and sets; None for images.
        description: the definition, and the files behind it: 'akd_openpose(pose_model.pth#0a1b2c3d)'.
        make: gives a fresh metric; torchmetrics' add up over processes until they are told not to.
    """

    column: str
    specification: MetricSpecification
    extractor: LoadedExtractor | None
    description: str
    make: "Callable[[], Meter]"


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
            name = specification.extractor
            if name and name not in loaded:
                loaded[name] = _load_extractor(EXTRACTORS[name], ExtractorSetting(setting.device, setting.protocol))
            extractor = loaded.get(name)
            make, description = specification.opened(setting), _description(specification, extractor)
            metrics.append(SuiteMetric(column, specification, extractor, description, make))
        except (MissingWeightsError, UnavailableMetricError) as error:
            unavailable[column] = str(error)
    threads = torch.get_num_threads()
    workers = ThreadPoolExecutor(threads, "metrics")
    unavailable = {column: unavailable[column] for column in columns if column in unavailable}
    for metric in metrics:
        if metric.column != metric.specification.name:
            announce(f"{metric.column}: {metric.specification.name}")
    return Suite(setting, tuple(columns), tuple(metrics), unavailable, missing_weights, threads, workers)


def _load_extractor(specification: ExtractorSpecification, setting: ExtractorSetting) -> LoadedExtractor:
    """Raises MissingWeightsError, CheckpointError, and UnavailableMetricError where a package is not installed."""
    hashes = [sha256_of_file(locate(name)) for name in specification.weights]
    parts = [specification.name, str(specification.version), setting.protocol]
    if specification.library:
        parts.append(f"{specification.library}-{_version(specification)}")
    files = [
        f"{WEIGHTS[name].file_name}#{digest[:8]}" for name, digest in zip(specification.weights, hashes, strict=True)
    ]
    return LoadedExtractor(
        specification,
        window_rule=specification.windows[setting.protocol],
        identity="-".join([*parts, *(digest[:16] for digest in hashes)]),
        description="+".join(files) or specification.name,
        extract=load_attribute(specification.build)(setting),
    )


def _version(specification: ExtractorSpecification) -> str:
    try:
        return version(specification.library)
    except PackageNotFoundError:
        if not specification.by_hand:
            raise
        raise UnavailableMetricError(specification.by_hand) from None


def _description(specification: MetricSpecification, extractor: LoadedExtractor | None) -> str:
    files = extractor.description if extractor else "+".join(WEIGHTS[name].file_name for name in specification.weights)
    behind = "+".join(filter(None, [files, *(f"{name}-{version(name)}" for name in specification.libraries)]))
    return f"{specification.name}({behind})" if behind else specification.name


def _check_protocol(specification: MetricSpecification, setting: ScoringSetting) -> None:
    if setting.protocol not in specification.protocols:
        raise UnavailableMetricError(
            f"measured under another protocol: --protocol {' or '.join(specification.protocols)}"
        )
