"""Keypoint R-CNN's joints, on weights of the true layout."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, WeightFile
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.keypoint_rcnn import EXTRACTOR, KeypointRCNNJoints, joints_of_surest
from lia_bench.metrics.specification import Protocol
from tests.preprocessing.detectors import install_made_up

SETTING = ExtractorSetting(torch.device("cpu"), Protocol.STRICT)
SEEN_JOINTS = 9


def published_layout() -> dict[str, Tensor]:
    """A state with the keys of the published file, which was saved in 2019 with frozen normalisation.

    Whatever the frame shows, the network sees one person who fills it, of whom the first joints are sure.
    """
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    torch.manual_seed(0)
    state = dict(keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None).state_dict())
    box = "roi_heads.box_predictor"
    for name in ("cls_score.weight", "bbox_pred.weight", "cls_score.bias", "bbox_pred.bias"):
        state[f"{box}.{name}"].zero_()
    state[f"{box}.cls_score.bias"][1] = 4
    state[f"{box}.bbox_pred.bias"][6:] = 99  # width and height of a person's box, as logarithms
    joints = "roi_heads.keypoint_predictor.kps_score_lowres"
    state[f"{joints}.weight"] /= 10
    state[f"{joints}.bias"][:] = torch.where(torch.arange(17) < SEEN_JOINTS, 20.0, -20.0)
    return {_key_of_2019(key): value for key, value in state.items() if not key.endswith("num_batches_tracked")}


def _key_of_2019(key: str) -> str:
    if key.startswith("backbone.fpn"):
        stem, number, _, kind = key.rsplit(".", 3)
        return f"{stem}.{number}.{kind}"
    return key.replace("rpn.head.conv.0.0.", "rpn.head.conv.")


def install(state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    published = WEIGHTS["keypointrcnn"]
    draft = published.path
    draft.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, draft)
    path = draft.rename(draft.with_name(f"keypointrcnn-{sha256_of_file(draft)[:8]}.pth"))
    file = WeightFile("keypointrcnn", path.name, published.source, "a test", "none")
    monkeypatch.setitem(WEIGHTS._load(), "keypointrcnn", file)


@pytest.mark.slow
def test_joints_on_a_file_of_the_true_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    install(published_layout(), monkeypatch)
    extractor = KeypointRCNNJoints(SETTING)
    # The network enlarges frames until one side is long enough: the flatter they are, the less there is to compute.
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 12, 192), dtype=np.uint8))
    joints = extractor(frames)
    assert joints.shape == (2, *EXTRACTOR.shape)
    assert joints.dtype == np.float32
    assert np.isnan(joints[:, SEEN_JOINTS:]).all()
    assert (joints[:, :SEEN_JOINTS] >= 0).all()
    assert (joints[:, :SEEN_JOINTS] <= [192, 12]).all()
    assert extractor(frames[1:]) == pytest.approx(joints[1:], abs=1e-5, nan_ok=True)


def test_the_surest_person_counts_and_joints_need_more_than_two() -> None:
    scores = torch.full((2, 17), 2.1)
    scores[1, 4] = 2.0
    places = torch.arange(2 * 17 * 3).reshape(2, 17, 3).float()
    found = {"scores": torch.tensor([0.6, 0.9]), "keypoints": places, "keypoints_scores": scores}
    joints = joints_of_surest(found)
    assert np.isnan(joints[4]).all()
    expected = places[1, :, :2].numpy()
    expected[4] = np.nan
    assert joints == pytest.approx(expected, nan_ok=True)


def test_a_frame_without_a_person_has_no_joints() -> None:
    found = {"scores": torch.zeros(0), "keypoints": torch.zeros(0, 17, 3), "keypoints_scores": torch.zeros(0, 17)}
    assert np.isnan(joints_of_surest(found)).all()


def test_missing_weights_say_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    file = WEIGHTS["keypointrcnn"]
    with pytest.raises(MissingWeightsError, match=file.file_name) as caught:
        KeypointRCNNJoints(SETTING)
    assert file.address in str(caught.value)


def test_weights_of_another_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install_made_up("keypointrcnn", nn.Linear(2, 2), monkeypatch)
    with pytest.raises(CheckpointError, match=r"weights of KeypointRCNN: Missing key.*backbone\.body\.conv1\.weight"):
        KeypointRCNNJoints(SETTING)
