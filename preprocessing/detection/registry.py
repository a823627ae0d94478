"""The detectors there are: a module here that defines DETECTOR, or an entry point `lia_bench.detectors`."""

import lia_bench.preprocessing.detection
from lia_bench.core.registry import Registry, load_attribute
from lia_bench.preprocessing.detection.detector import Detector, DetectorSpecification

DETECTORS: Registry[DetectorSpecification] = Registry(
    "detector", lia_bench.preprocessing.detection, "DETECTOR", "lia_bench.detectors"
)


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
