"""X2Face against what its authors' code puts out for the same weights and frames."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.models.loading import load_model
from lia_bench.models.x2face.animator import X2FaceAnimator, resample, sampling_grid
from lia_bench.models.x2face.networks import load_pose_mapping
from tests.deterministic import difference
from tests.models.authors_files import deterministic_content, golden_image

GOLDEN = "x2face-256"
# The stated tolerance of frames is 1e-3.
TOLERANCE = 5e-5


@pytest.fixture(scope="module")
def files(expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three files of the authors, by the names that the golden gives their content."""
    folder = tmp_path_factory.mktemp("authors")
    written = {}
    for name, state in deterministic_content(expected).items():
        written[name] = folder / f"{name}.pth"
        torch.save({"state_dict": state}, written[name])
    return written


@pytest.fixture(scope="module")
def animator(expected: dict[str, Any], files: dict[str, Path]) -> X2FaceAnimator:
    loaded = load_model("x2face", checkpoint=files["state_dict"], device="cpu", **expected["load"])
    files["state_dict"].unlink()
    assert isinstance(loaded, X2FaceAnimator)
    return loaded


@pytest.fixture(scope="module")
def sources(expected: dict[str, Any]) -> Tensor:
    inputs = expected["inputs"]
    return torch.stack([golden_image(entry) for entry in (inputs["source"], *inputs["more_sources"])])


def test_parameters_are_those_of_the_authors(animator: X2FaceAnimator) -> None:
    assert sum(parameter.numel() for parameter in animator.parameters()) == 64_771_840


def test_frames(animator: X2FaceAnimator, sources: Tensor, driving: Tensor, expected: dict[str, Any]) -> None:
    assert expected["modes"] == list(X2FaceAnimator.transfer_modes)
    # A batch of two frames and one of one.
    frames = animator.animate(sources[0], driving, batch_size=2)
    for frame, summary in zip(frames, expected["outputs"]["absolute"], strict=True):
        assert difference(frame.numpy(), summary) < TOLERANCE


def test_frames_of_three_sources(
    animator: X2FaceAnimator, sources: Tensor, driving: Tensor, expected: dict[str, Any]
) -> None:
    with torch.inference_mode():
        frames = animator.render(animator.encode_sources(sources), driving)
    for frame, summary in zip(frames, expected["outputs"]["three_sources"], strict=True):
        assert difference(frame.numpy(), summary) < TOLERANCE


def test_frames_of_poses(
    animator: X2FaceAnimator, files: dict[str, Path], sources: Tensor, expected: dict[str, Any]
) -> None:
    mapping = load_pose_mapping(files["posereg"], files["posetobottle"])
    source, poses = sources[:1], torch.tensor(expected["inputs"]["poses"])
    with torch.inference_mode():
        vectors = mapping(animator.driving_network.encode(source), poses)
        frames = animator.render_vectors(animator.encode_sources(source), vectors)
    for frame, summary in zip(frames, expected["outputs"]["pose"], strict=True):
        assert difference(frame.numpy(), summary) < TOLERANCE


def test_embedding(animator: X2FaceAnimator, sources: Tensor, expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        embedding = animator.embedding_network(sources)
        views = resample(sources, embedding[:, :2])
        confidence = embedding[:, 2:].exp()
        # For the eye the authors mix without what they add to the confidence elsewhere.
        mosaic = (confidence * views).sum(0) / confidence.sum(0)
    assert difference(embedding[0].numpy(), inner["unwrap_output_source"]) < TOLERANCE
    assert difference(views[0].numpy(), inner["unwrapped_source"]) < TOLERANCE
    assert difference(mosaic.numpy(), inner["mosaic_three_sources_get_unwrapped"]) < TOLERANCE
    assert difference(confidence[:, 0].permute(1, 2, 0).numpy(), inner["confidence_three_sources"]) < TOLERANCE


def test_driving(animator: X2FaceAnimator, driving: Tensor, expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        vectors = animator.driving_network.encode(driving)
        offsets = animator.driving_network(driving)
    for index in range(3):
        assert difference(vectors[index].relu().numpy(), inner[f"driving_vector{index}"]) < TOLERANCE
        assert difference(offsets[index].numpy(), inner[f"sampler_output_driving{index}"]) < TOLERANCE
    assert difference(sampling_grid(offsets)[1].numpy(), inner["flow1"]) < TOLERANCE
