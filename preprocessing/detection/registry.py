"""The detectors there are: a module here that defines DETECTOR, or an entry point `lia_bench.detectors`."""

from importlib.metadata import PackageNotFoundError, version

import lia_bench.preprocessing.detection
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.registry import Registry, load_attribute
from lia_bench.core.weights import WEIGHTS, locate
from lia_bench.preprocessing.detection.detector import Detector, DetectorSpecification

DETECTORS: Registry[DetectorSpecification] = Registry(
    "detector", DetectorSpecification, lia_bench.preprocessing.detection, "DETECTOR", "lia_bench.detectors"
)


def what_detects(name: str) -> dict[str, str | None]:
    """What findings of the detector called `name` depend on: its weights, by their hash, and its library's version.

    None stands for what is not on this machine.

    Raises:
        UnknownNameError: there is no such detector.
    """
    detector = DETECTORS[name]
    weights = WEIGHTS[detector.weights]
    # A file whose hash is published is used only if it has it; reading its megabytes again would tell nothing.
    digest = weights.sha256_prefix or (sha256_of_file(weights.path) if weights.path.is_file() else None)
    try:
        library = version(detector.library)
    except PackageNotFoundError:
        library = None
    return {detector.weights: digest, detector.library: library}


def check_weights(name: str) -> None:
    """Make sure that the weights of the detector called `name` are here, before a long part that comes first.

    Raises:
        UnknownNameError: there is no such detector.
        MissingWeightsError: its weights are not on this machine; the text says how to get them.
        CheckpointError: a file is there but is not the published one.
    """
    locate(DETECTORS[name].weights)


def build_detector(name: str, device: str) -> Detector:
    """The detector called `name`, loaded on `device`, as torch names devices.

    Raises:
        UnknownNameError: there is no such detector.
        MissingWeightsError: its weights are not on this machine; the text says how to get them.
        CheckpointError: a file is there but is not the published one.
        DeviceError: no such device, or one that the detector does not run on.
    """
    detector: Detector = load_attribute(DETECTORS[name].build)(device)
    return detector
