"""The metrics that users can name."""

import pytest
import torch

from lia_bench.core.errors import MissingWeightsError, UnknownNameError
from lia_bench.metrics.extractors.extractor import EXTRACTORS
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.registry import ALIASES, METRICS, SUBJECTS, ordered, plain_names, resolve, usual_names
from lia_bench.metrics.specification import Compares, Protocol, ScoringSetting, UnavailableMetricError
from lia_bench.metrics.theval.definitions import Closeness
from lia_bench.metrics.theval.video_metric import VideoMetric

KINDS = {
    Compares.IMAGES: FrameMetric,
    Compares.REGIONS: FrameMetric,
    Compares.FEATURES: FrameMetric,
    Compares.SETS: FrechetMetric,
    Compares.VIDEO: VideoMetric,
    Compares.MEANS: Closeness,
}


def test_every_metric_goes_by_its_id_and_every_plain_name_has_a_definition() -> None:
    assert all(metric.name == name for name, metric in METRICS.items())
    assert set(ALIASES) <= {metric.alias for metric in METRICS.values()}
    assert ordered(plain_names())[: len(ALIASES)] == list(ALIASES)
    assert {name for protocol in Protocol for name in usual_names(protocol)} == {*plain_names()}
    assert not {*usual_names(Protocol.LITERATURE)} & {*usual_names(Protocol.THEVAL)}


def test_what_a_metric_compares_has_an_extractor() -> None:
    for metric in METRICS.values():
        without = metric.compares in (Compares.IMAGES, Compares.MEANS)
        assert (metric.extractor in EXTRACTORS) is not without, metric.name


@pytest.mark.parametrize("protocol", Protocol)
def test_every_definition_leads_to_what_computes_it(protocol: Protocol) -> None:
    setting = ScoringSetting(256, 256, torch.device("cpu"), protocol)
    for metric in METRICS.values():
        if metric.weights:
            with pytest.raises(MissingWeightsError):
                metric.opened(setting)
        else:
            assert isinstance(metric.opened(setting)(), KINDS[metric.compares]), metric.name


def test_a_plain_name_means_one_definition_for_each_subject() -> None:
    assert resolve("akd", "face").name == "akd_face_alignment"
    assert resolve("akd", "body").name == "akd_openpose"
    assert resolve("akd", "sample").name == "akd_sample"
    assert resolve("aed", "body").name == "aed_reid"
    assert resolve("csim", "body").name == "csim_insightface_body"
    assert resolve("csim_reid", "body").name == "csim_reid"
    assert resolve("lpips", "").name == "lpips_alex"
    assert resolve("video_fid", "face").name == "video_fid_resnext101"
    assert resolve("akd_mediapipe_face", "").name == "akd_mediapipe_face"
    for metric in METRICS.values():
        for subject in metric.subjects or ():
            assert resolve(metric.alias, subject) is metric
            assert subject in SUBJECTS


def test_an_unknown_subject_leaves_a_plain_name_without_a_meaning() -> None:
    with pytest.raises(UnavailableMetricError, match=r"--subject.*akd_openpose for body"):
        resolve("akd", "")
    with pytest.raises(UnavailableMetricError, match="none for 'sample'"):
        resolve("csim", "sample")


def test_a_typo_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ms_ssim'"):
        resolve("ms_sim", "face")


def test_columns_come_in_the_order_of_the_tables() -> None:
    names = ["fid", "colour of a plug-in", "akd_openpose", "akd_mediapipe_body", "lpips", "l1", "fvd"]
    own = ["l1", "lpips", "akd_mediapipe_body", "akd_openpose", "fid", "fvd"]
    assert ordered(names) == [*own, "colour of a plug-in"]
