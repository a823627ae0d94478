"""`lia-bench animate --reference`: several images of the subject."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lia_bench.cli.main import run
from lia_bench.core.video import open_video, write_video
from lia_bench.models.checkpoint import save_checkpoint
from lia_bench.models.loading import load_experiment, load_model
from tests.deterministic import image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, and a video of three frames."""
    frames = [(image(f"view{number}", 64, 0).transpose(1, 2, 0) * 255).astype(np.uint8) for number in range(3)]
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    write_video(tmp_path / "driving.mp4", iter(frames), 25)
    return tmp_path


def test_every_reference_counts(folder: Path) -> None:
    torch.manual_seed(0)
    animator = load_model("x2face", variant="demo-64", device="cpu")
    checkpoint = folder / "checkpoint"
    _, experiment = load_experiment("x2face", "demo-64")
    save_checkpoint(
        checkpoint, model="x2face", variant="demo-64", experiment=experiment, animator=animator, step=1, training={}
    )
    results = []
    for references in ([], ["1.png"], ["1.png", "2.png"]):
        output = folder / f"{len(references)}.mp4"
        words = ["animate", f"x2face@{checkpoint}", "--source", str(folder / "0.png")]
        words += ["--driving", str(folder / "driving.mp4"), "--output", str(output), "--no-crop"]
        for reference in references:
            words += ["--reference", str(folder / reference)]
        assert run(words, False) == 0
        with open_video(output) as reader:
            results.append(np.stack([np.array(frame) for frame in reader]))
    assert all(result.shape == results[0].shape for result in results)
    assert len({result.tobytes() for result in results}) == 3


def test_a_model_that_takes_no_reference_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "result.mp4"
    words = ["animate", "identity", "--source", str(folder / "0.png"), "--no-crop"]
    words += ["--driving", str(folder / "driving.mp4")]
    assert run([*words, "--reference", str(folder / "1.png"), "--output", str(output)], False) == 1
    assert "takes no references" in capsys.readouterr().err
    assert not output.exists()
