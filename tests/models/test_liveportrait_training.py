"""LivePortrait's two stages of training, and what they read off faces."""

from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from torch import Tensor

from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.configuration import LivePortraitConfiguration, WingConfiguration
from lia_bench.models.liveportrait.face_landmarks import CHIN, authors_landmarks, face_landmarks
from lia_bench.models.liveportrait.face_terms import (
    GUIDED,
    ArcFaceNetwork,
    aligned,
    guidance,
    identity_difference,
    part_of,
    published_arcface,
    wing,
)
from lia_bench.models.liveportrait.recipe import recipe_of
from lia_bench.models.liveportrait.retargeting import openings_of
from lia_bench.models.liveportrait.second_stage import SecondStageRecipe
from lia_bench.models.training.recipe import PairBatch
from tests.core.published import take_any
from tests.metrics.extractors.onnx_networks import save_network
from tests.models.small_models import experiment_of, small_model
from tests.models.training_steps import gradients_apart, losses_of, random_batch, train_step
from tests.preprocessing.detectors import install_real

SIDE = 64
demo = partial(experiment_of, "liveportrait", LivePortraitConfiguration, "demo-64")


@pytest.fixture
def faces(real_data: Path) -> Tensor:
    """Two portraits (2, 3, 64, 64) in [0, 1], and the landmarker's weights where they are looked for."""
    install_real("face-landmarker", real_data)
    face_landmarks.cache_clear()
    return torch.stack([_picture(real_data / "real/vox" / name, SIDE) for name in ("taylor.png", "monroe.png")])


def _picture(path: Path, side: int) -> Tensor:
    picture = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


def test_every_term_reaches_its_network() -> None:
    experiment = demo(loss={"adversarial": 1.0}, discriminator={"blocks": 3})
    torch.manual_seed(0)
    assert gradients_apart(recipe_of(experiment), random_batch()) == [
        {"l1", "equivariance", "keypoint", "expression", "adversarial", "feature_matching"},
        {"discriminator"},
    ]


def test_parts_of_the_face_are_judged_by_discriminators_of_their_own(faces: Tensor) -> None:
    part = {"adversarial": 0.5, "side": 32}
    experiment = demo(
        loss={"adversarial": 1.0, "landmarks": 1.0, "face": part, "lips": part},
        discriminator={"blocks": 2, "expansion": 4},
    )
    torch.manual_seed(0)
    recipe = recipe_of(experiment)
    generator, discriminators = gradients_apart(recipe, PairBatch(faces, faces.flip(0)))
    terms = {f"{name}{term}" for name in ("", "face_", "lips_") for term in ("adversarial", "feature_matching")}
    assert generator == {"l1", "equivariance", "keypoint", "expression", "landmarks", *terms}
    assert discriminators == {"discriminator", "face_discriminator", "lips_discriminator"}
    # Nobody is seen: the same updates, of which those of the parts teach nothing.
    empty, judged = losses_of(recipe, PairBatch(torch.zeros_like(faces), torch.zeros_like(faces)))
    assert empty.losses.keys() == generator
    assert judged.losses.keys() == discriminators
    assert float(empty.losses["landmarks"]) == float(empty.losses["lips_adversarial"]) == 0
    assert float(judged.losses["face_discriminator"]) == 0 < float(judged.losses["discriminator"])


def test_parts_are_where_the_face_is(faces: Tensor) -> None:
    landmarks = face_landmarks().of(faces)
    ramp = torch.linspace(-1, 1, SIDE).expand(2, 3, SIDE, SIDE)
    columns, rows = (part_of(one, one, landmarks, "lips", 16, 0.0).true for one in (ramp, ramp.transpose(2, 3)))
    centre = landmarks[:, [61, 291]].mean(dim=1)
    assert torch.allclose(columns.mean(dim=(1, 2, 3)), centre[:, 0], atol=0.03)
    assert torch.allclose(rows.mean(dim=(1, 2, 3)), centre[:, 1], atol=0.06)


def test_points_seen_before_are_not_looked_for_again(faces: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    landmarks = face_landmarks()
    first = landmarks.of(faces)
    monkeypatch.setattr(landmarks, "_found", lambda frame: pytest.fail("looked at again"))
    assert torch.equal(landmarks.of(faces.flip(0)), first.flip(0))


def test_guided_points_are_drawn_to_their_landmarks(faces: Tensor) -> None:
    landmarks = face_landmarks().of(faces)
    shape = WingConfiguration()
    points = torch.zeros(2, 21, 3)
    points[:, list(GUIDED), :2] = landmarks[:, list(GUIDED.values())]
    assert float(guidance(points, landmarks, shape)) == 0
    # Four pixels of 256 to the right, of which the logarithm is taken, in one coordinate of two.
    points[..., 0] += 4 / 128
    assert float(guidance(points, landmarks, shape)) == pytest.approx(10 * np.log(1 + 4 / 2) / 2, rel=1e-4)
    assert float(wing(torch.tensor([20.0]), 10, 2)) == pytest.approx(20 - 10 + 10 * np.log(6))


@pytest.fixture
def arcface(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a few layers of the kinds that ArcFace's residual network is exported as, in its place."""
    random = np.random.default_rng(0)

    def numbers(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32) / 4

    constants = {"w1": numbers(4, 3, 3, 3), "b1": numbers(4), "slope": numbers(4, 1, 1), "w2": numbers(4, 4, 1, 1)}
    constants |= {"scale": numbers(4), "shift": numbers(4), "mean": numbers(4), "variance": numbers(4) ** 2 + 0.1}
    constants |= {"w3": numbers(512, 4 * 14 * 14), "b3": numbers(512)}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["a"], strides=[8, 8], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("PRelu", ["a", "slope"], ["b"]),
        helper.make_node("BatchNormalization", ["b", "scale", "shift", "mean", "variance"], ["c"], epsilon=2e-5),
        helper.make_node("Conv", ["c", "w2"], ["d"]),
        helper.make_node("Add", ["d", "a"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["embedding"], transB=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 3, 112, 112])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [None, 512])
    take_any(monkeypatch, "arcface")
    path = WEIGHTS["arcface"].path
    path.parent.mkdir(parents=True, exist_ok=True)
    save_network(path, nodes, [image], [embedding], constants)
    return path


def test_arcface_is_computed_as_onnx_runtime_does(arcface: Path) -> None:
    crops = torch.rand(2, 3, 112, 112)
    (theirs,) = onnxruntime.InferenceSession(str(arcface)).run(None, {"image": (crops * 2 - 1).numpy()})
    np.testing.assert_allclose(ArcFaceNetwork(arcface)(crops).numpy(), theirs, atol=1e-4)


def test_identity_is_learned_from_the_aligned_face(arcface: Path, faces: Tensor) -> None:
    network, landmarks = published_arcface(), face_landmarks().of(faces)
    generated = faces.flip(0).requires_grad_()
    assert float(identity_difference(network, faces, faces, landmarks)) == pytest.approx(0, abs=1e-5)
    difference = identity_difference(network, generated, faces, landmarks)
    difference.backward()
    assert float(difference.detach()) > 0.01
    assert generated.grad is not None
    assert float(generated.grad.abs().sum()) > 0
    arcface.write_bytes(b"no network")
    with pytest.raises(CheckpointError, match=r"w600k_r50\.onnx: not"):
        published_arcface()
    arcface.unlink()


def test_faces_are_aligned_as_insightface_does(faces: Tensor, real_data: Path) -> None:
    from insightface.utils.face_align import norm_crop

    picture = _picture(real_data / "real/vox/taylor.png", 256)
    landmarks = face_landmarks().of(picture[None])
    five = (landmarks[0, [468, 473, 1, 61, 291]].numpy() + 1) / 2 * 256 - 0.5
    theirs = norm_crop((picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8), five.astype(np.float32))
    ours = aligned(picture[None], landmarks)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - theirs).mean() < 1


def test_terms_without_their_files_say_how_to_go_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    face_landmarks.cache_clear()
    with pytest.raises(MissingWeightsError, match=r"--set loss\.head_pose=0"):
        recipe_of(demo(loss={"head_pose": 1.0}))
    with pytest.raises(MissingWeightsError, match=r"w600k_r50\.onnx.*--set loss\.identity=0"):
        recipe_of(demo(loss={"identity": 1.0}))
    with pytest.raises(MissingWeightsError, match=r"--set loss\.lips\.perceptual=0"):
        recipe_of(demo(loss={"lips": {"perceptual": 1.0}}))
    with pytest.raises(MissingWeightsError, match=r"face_landmarker\.task.*loss\.landmarks=0"):
        recipe_of(demo(loss={"landmarks": 1.0}))


def test_points_that_stand_for_no_landmark_are_refused() -> None:
    with pytest.raises(InputError, match="landmarks are known of 21 points alone"):
        demo(model={"points": 5}, loss={"landmarks": 1.0})


def test_frames_of_twice_the_size_are_trained_on_enlarged_driving_frames() -> None:
    torch.manual_seed(0)
    (update,) = train_step(recipe_of(demo(model={"generator": {"upscale": 2}})), random_batch())
    assert torch.isfinite(update.losses["l1"])


def test_the_second_stage_moves_what_is_retargeted_alone(faces: Tensor, tmp_path: Path) -> None:
    base = small_model("liveportrait", LivePortraitAnimator)
    base.save_pretrained(tmp_path / "base")
    experiment = demo(second_stage={"base": str(tmp_path / "base"), "learning_rate": 1e-3})
    torch.manual_seed(0)
    recipe = recipe_of(experiment)
    assert isinstance(recipe, SecondStageRecipe)
    batch = PairBatch(faces, faces.flip(0))
    reader, networks = gradients_apart(recipe, batch)
    terms = {"eyes", "eyes_condition", "lips", "lips_condition", "stitching"}
    assert (reader, networks) == (
        {"opening_reader"},
        terms | {f"{name}_size" for name in ("stitching", "eyes", "lips")},
    )
    for _ in range(2):
        train_step(recipe, batch)
    trained = recipe.animator.state_dict()
    for name, value in base.state_dict().items():
        if not name.startswith("retargeting."):
            assert torch.equal(trained[name], value), name
    assert recipe.animator.retargeting.trained()


def test_below_the_chin_alone_stitching_is_held(faces: Tensor, tmp_path: Path) -> None:
    small_model("liveportrait", LivePortraitAnimator).save_pretrained(tmp_path / "base")
    recipe = recipe_of(demo(second_stage={"base": str(tmp_path / "base")}))
    assert isinstance(recipe, SecondStageRecipe)
    where = face_landmarks().of(faces)
    with patch.object(recipe, "_kept", side_effect=recipe._kept) as kept:
        losses_of(recipe, PairBatch(faces, faces))
    masks = kept.call_args_list[0].args[3]
    for mask, chin in zip(masks, where[:, CHIN, 1], strict=True):
        first = int(mask.any(dim=1).float().argmax())
        assert first == pytest.approx((float(chin) + 1) / 2 * SIDE, abs=1)
        assert mask[first:].all()


def test_a_base_of_other_sizes_is_refused(tmp_path: Path, real_data: Path) -> None:
    install_real("face-landmarker", real_data)
    small_model("liveportrait", LivePortraitAnimator, depth=4).save_pretrained(tmp_path / "base")
    with pytest.raises(CheckpointError, match="depth"):
        recipe_of(demo(second_stage={"base": str(tmp_path / "base")}))
    with pytest.raises(InputError, match="from other clips of the batch"):
        demo(second_stage={"base": str(tmp_path / "base")}, data={"batch_size": 1})


def test_openings_of_a_real_face(faces: Tensor) -> None:
    openings = openings_of(faces)
    assert 0.1 < float(openings.eyes.min()) <= float(openings.eyes.max()) < 0.6
    assert float(openings.lips.min()) >= 0
    with pytest.raises(InputError, match="no face is found in a frame"):
        openings_of(torch.zeros_like(faces))


def test_openings_by_the_authors_landmarks(faces: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their network sees an upright square around the face; here it says the same of every face."""
    authors_landmarks.cache_clear()
    with pytest.raises(MissingWeightsError, match=r"'lia-bench weights fetch liveportrait-landmark'"):
        openings_of(faces, "authors")
    take_any(monkeypatch, "liveportrait-landmark")
    points = np.full((203, 2), 0.5, dtype=np.float32)
    # A left eye of 0.1 by 0.5, a right one of half that height, lips of 0.2 by 0.4 of the square.
    points[[6, 18, 0, 12]] = [[0.5, 0.45], [0.5, 0.55], [0.25, 0.5], [0.75, 0.5]]
    points[[30, 42, 24, 36]] = [[0.5, 0.475], [0.5, 0.525], [0.25, 0.5], [0.75, 0.5]]
    points[[90, 102, 48, 66]] = [[0.5, 0.6], [0.5, 0.8], [0.3, 0.7], [0.7, 0.7]]
    _save_landmark_network(points)
    openings = openings_of(faces, "authors")
    assert torch.allclose(openings.eyes, torch.tensor([[0.2, 0.1]]), atol=1e-4)
    assert torch.allclose(openings.lips, torch.tensor([0.5]), atol=1e-4)
    authors_landmarks.cache_clear()
    _save_landmark_network(points[:100])
    with pytest.raises(CheckpointError, match="not LivePortrait's landmark network"):
        openings_of(faces, "authors")


def _save_landmark_network(points: Any) -> None:
    """The layout of landmark.onnx: of three outputs the last holds the points, whatever the picture shows."""
    constants = {"zero": np.zeros((1, 1, 1, 1), dtype=np.float32), "points": points.reshape(1, -1)}
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Flatten", ["nothing"], ["flat"]),
        helper.make_node("Add", ["flat", "points"], ["landmarks"]),
    ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])
    sizes = {"mean": [1, 1, 1, 1], "flat": [1, 1], "landmarks": [1, points.size]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()]
    path = WEIGHTS["liveportrait-landmark"].path
    path.parent.mkdir(parents=True, exist_ok=True)
    save_network(path, nodes, [image], outputs, constants)
