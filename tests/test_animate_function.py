"""`lia_bench.animate` and its neighbours, and what `model.animate` takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import lia_bench
from lia_bench.core.errors import InputError
from tests.animation.toys import Shift, ShiftModel, grey_frames, register, write_film


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with me.png and talk.mp4."""
    register(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), (100, 100, 100)).save("me.png")
    write_film(Path("talk.mp4"), grey_frames([50, 60, 90]))
    return tmp_path


def test_files_give_frames_or_a_file(folder: Path) -> None:
    said: list[str] = []
    animation = lia_bench.animate("me.png", "talk.mp4", model="shift", crop=False, device="cpu", say=said.append)
    assert animation.frames.shape == (3, 32, 32, 3)
    assert animation.frames.dtype == np.uint8
    assert animation.fps == 25
    assert animation.frames.mean(axis=(1, 2, 3)) == pytest.approx([100, 110, 140], abs=2)
    assert sorted(path.name for path in folder.iterdir()) == ["me.png", "talk.mp4"]
    written = lia_bench.animate(
        Path("me.png"), "talk.mp4", "out/new.mp4", model="shift", crop=False, device="cpu", say=said.append
    )
    assert written.path == Path("out/new.mp4")
    assert written.frames.mean(axis=(1, 2, 3)) == pytest.approx(animation.frames.mean(axis=(1, 2, 3)), abs=2)
    with pytest.raises(InputError, match="0 files"):
        assert animation.path


@pytest.mark.parametrize("kind", ["pictures", "arrays", "floats", "tensors"])
def test_pictures_and_arrays_are_taken_as_files_are(kind: str, folder: Path) -> None:
    frames, _ = lia_bench.read_video("talk.mp4")
    picture = lia_bench.read_picture("me.png")
    pairs: dict[str, tuple[Any, Any]] = {
        "pictures": (Image.open("me.png"), [Image.fromarray(frame) for frame in frames]),
        "arrays": (picture, frames),
        "floats": (picture / 255, frames / 255),
        "tensors": (
            torch.from_numpy(picture / 255).permute(2, 0, 1),
            torch.from_numpy(frames / 255).permute(0, 3, 1, 2),
        ),
    }
    by_files = lia_bench.animate("me.png", "talk.mp4", model="shift", crop=False, device="cpu", side_by_side=True)
    animation = lia_bench.animate(
        *pairs[kind],
        model="shift",
        crop=False,
        device="cpu",
        side_by_side=True,
        fps=12.5,
    )
    assert np.array_equal(animation.frames, by_files.frames)
    assert animation.fps == 12.5


def test_folders_give_files_and_those_that_were_there(folder: Path) -> None:
    (folder / "faces").mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (64, 64), "grey").save(folder / "faces" / f"{name}.png")
    with pytest.raises(InputError, match="name the folder that they go to"):
        lia_bench.animate("faces", "talk.mp4", model="shift", crop=False, device="cpu")
    for _ in range(2):
        animation = lia_bench.animate("faces", "talk.mp4", "out", model="shift", crop=False, device="cpu")
        assert [path.name for path in animation.paths] == ["a-talk-shift.mp4", "b-talk-shift.mp4"]
    with pytest.raises(InputError, match="2 files"):
        assert animation.frames.size


@pytest.mark.parametrize(
    ("picture", "video", "message"),
    [
        (np.zeros((64, 64), np.uint8), "talk.mp4", r"picture is uint8 of shape \(64, 64\): give a path"),
        (np.full((64, 64, 3), 7.0), "talk.mp4", r"from 7 to 7: give a path"),
        (torch.zeros(3, 64, 64, dtype=torch.uint8), "talk.mp4", r"picture is torch.uint8 of shape \(3, 64, 64\)"),
        (None, "talk.mp4", "picture is a NoneType"),
        ("me.png", np.zeros((64, 64, 3), np.uint8), r"video is uint8 of shape \(64, 64, 3\): .*\(T, H, W, 3\)"),
        ("me.png", 7, r"video is a int: give a path"),
        ("me.png", [], "no frame"),
    ],
)
def test_what_is_no_picture_or_video_is_told_what_would_be(
    picture: Any, video: Any, message: str, folder: Path
) -> None:
    with pytest.raises(InputError, match=message):
        lia_bench.animate(picture, video, model="shift", crop=False)


def test_a_rate_is_for_pictures_alone(folder: Path) -> None:
    with pytest.raises(InputError, match=r"a video has its own rate: leave --fps out"):
        lia_bench.animate("me.png", "talk.mp4", model="shift", crop=False, fps=30)


def test_a_model_takes_files_pictures_and_arrays(folder: Path) -> None:
    model = Shift(ShiftModel())
    picture, (frames, _) = lia_bench.read_picture("me.png", 32), lia_bench.read_video("talk.mp4", size=32)
    expected = model.animate(
        torch.from_numpy(picture).permute(2, 0, 1) / 255, torch.from_numpy(frames).permute(0, 3, 1, 2) / 255, "relative"
    )
    Image.fromarray(picture).save("small.png")
    write_film(Path("small.mp4"), list(frames))
    torch.testing.assert_close(model.animate(picture, frames, "relative"), expected)
    torch.testing.assert_close(model.animate(picture / 255, frames / 255, "relative"), expected)
    pictures = [Image.fromarray(frame) for frame in frames]
    torch.testing.assert_close(model.animate(Image.open("small.png"), pictures, "relative"), expected)
    torch.testing.assert_close(model.animate("small.png", Path("small.mp4"), "relative"), expected, atol=0.01, rtol=0)
    with pytest.raises(InputError, match=r"64x64: this model takes 32x32.*read_picture\(path, size=32\)"):
        model.animate("me.png", "small.mp4")
    with pytest.raises(InputError, match=r"source is uint8 of shape \(32, 32\): give a path"):
        model.animate(picture[..., 0], frames)


def test_what_a_model_gives_is_written_and_read_again(folder: Path) -> None:
    frames = torch.linspace(0, 1, 4).view(-1, 1, 1, 1).expand(-1, 3, 32, 48)
    assert lia_bench.write_video("made/greys.mp4", frames, fps=10) == 4
    read, fps = lia_bench.read_video("made/greys.mp4")
    assert (read.shape, fps) == ((4, 32, 48, 3), 10)
    assert read.mean(axis=(1, 2, 3)) == pytest.approx([0, 85, 170, 255], abs=2)
    assert lia_bench.write_video(folder / "greys.gif", read, fps) == 4
    with pytest.raises(InputError, match=r"greys\.avi: results are written as \.mp4 or \.gif"):
        lia_bench.write_video("greys.avi", read)
