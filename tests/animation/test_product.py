"""Animations of whole folders and of single inputs, without detectors."""

import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench.animation import film
from lia_bench.animation.animated import animate as frames_of
from lia_bench.animation.product import animate
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.errors import DeviceError, InputError
from lia_bench.core.video import open_video, write_png_folder
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from tests.animation.toys import Shift, grey_frames, register, write_film
from tests.models.small_models import small_model


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register(monkeypatch)
    monkeypatch.chdir(tmp_path)


def _picture(path: Path, level: int = 100, size: tuple[int, int] = (64, 64)) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def _request(source: Path, driving: Path, **more: object) -> AnimationRequest:
    return replace(AnimationRequest(("shift",), source, driving, crop=False, device="cpu"), **more)  # type: ignore[arg-type]


def _levels(path: Path) -> list[int]:
    with open_video(path) as reader:
        return [round(float(frame.mean())) for frame in reader]


def _quiet(line: str) -> None:
    pass


def test_relative_transfer_begins_from_the_first_frame(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60, 90, 40]))
    outcome = animate(_request(_picture(tmp_path / "me.png"), driving, batch_size=3), _quiet)
    ((path, written),) = outcome.made
    assert path == Path("me-driving-shift.mp4")
    assert written.frames == 4
    assert _levels(path) == pytest.approx([100, 110, 140, 90], abs=2)


def test_what_reduced_precision_does_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(model: Shift, encoded: Tensor, driving: Tensor) -> Tensor:
        return driving @ torch.full((32, 32), 1 / 32)

    monkeypatch.setattr(Shift, "render", mixed)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 61, 91, 41]))
    request = _request(_picture(tmp_path / "me.png"), driving)
    assert not animate(request, _quiet).made[0][1].remarks
    reduced = replace(request, output=Path("reduced.mp4"), precision="bf16-mixed")
    (remark,) = animate(reduced, _quiet).made[0][1].remarks
    # The frame in the middle has one level everywhere, which takes more than eight bits.
    exact = torch.tensor(_levels(driving)[2] / 255)
    apart = 255 * float((exact.bfloat16().float() - exact).abs())
    told = re.fullmatch(r"shift: bf16-mixed changes a frame by (.*) grey levels on average, (.*) at most", remark)
    assert told is not None
    assert [float(number) for number in told.groups()] == pytest.approx([apart, apart], abs=0.06)
    assert apart > 0.1
    said: list[str] = []
    frames_of(replace(reduced, output=None), said.append)
    assert said == [remark]


def test_a_driving_video_of_one_frame_and_of_portrait_format(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([80], width=48, height=112))
    outcome = animate(_request(_picture(tmp_path / "me.png"), driving, output=Path("one.mp4")), _quiet)
    assert outcome.made[0][1].frames == 1
    assert _levels(Path("one.mp4")) == pytest.approx([100], abs=2)


def test_several_models_of_different_sides_stand_in_one_strip(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    request = _request(
        _picture(tmp_path / "me.png"), driving, models=("shift", "shift-large"), output=Path("strip.mp4")
    )
    animate(request, _quiet)
    with open_video(Path("strip.mp4")) as reader:
        frame = reader.frame(1)
    panels = np.array_split(frame[40:], 4, axis=1)
    middle = [round(float(panel[60:120, 60:120].mean())) for panel in panels]
    assert middle == pytest.approx([100, 90, 140, 140], abs=3)


def test_paste_back_leaves_the_size_of_the_picture(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    source = _picture(tmp_path / "me.png", size=(151, 101))
    animate(_request(source, driving, paste_back=True, output=Path("r.mp4")), _quiet)
    with open_video(Path("r.mp4")) as reader:
        assert (reader.properties.width, reader.properties.height) == (150, 100)
    assert _levels(Path("r.mp4")) == pytest.approx([100, 140], abs=2)


def test_a_photograph_too_large_for_players_is_pasted_into_at_a_size_that_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "LARGEST_FILM", film.LARGEST_FILM // 64)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    source = _picture(tmp_path / "me.png", size=(504, 378))
    animate(_request(source, driving, paste_back=True, output=Path("r.mp4")), _quiet)
    with open_video(Path("r.mp4")) as reader:
        width, height = reader.properties.width, reader.properties.height
        assert (width, height) == (430, 322)
        assert round(float(reader.frame(1).mean())) == pytest.approx(140, abs=2)


def test_a_photograph_of_any_size_is_animated_at_the_size_of_a_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "LARGEST_SIDE", 64)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    source = _picture(tmp_path / "me.png", size=(504, 504))
    animate(replace(_request(source, driving, output=Path("r.mp4")), models=("identity",)), _quiet)
    with open_video(Path("r.mp4")) as reader:
        assert (reader.properties.width, reader.properties.height) == (64, 64)


def test_folders_give_every_picture_by_every_video_and_bad_files_stop_nothing(tmp_path: Path) -> None:
    for level in (60, 90):
        _picture(tmp_path / "faces" / f"face{level}.png", level)
    (tmp_path / "faces" / "notes.txt").write_text("not a picture")
    (tmp_path / "faces" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    films = tmp_path / "films"
    films.mkdir()
    for name in ("one", "two"):
        write_film(films / f"{name}.mp4", grey_frames([50, 60]))
    (films / "empty.mp4").write_bytes(b"")
    said: list[str] = []
    request = _request(tmp_path / "faces", films, output=Path("out"), format="gif")
    outcome = animate(request, said.append)
    assert outcome.pairs == 9
    made = {f"face{level}-{film}-shift.gif" for level in (60, 90) for film in ("one", "two")}
    assert {path.name for path, _ in outcome.made} == made
    assert {path.name for path in Path("out").glob("*.gif")} == made
    header, *pairs = Path("out", "pairs.csv").read_text(encoding="utf-8").splitlines()
    assert header == "source,driving,generated"
    assert "face60.png,two.mp4,face60-two-shift.gif" in pairs
    assert len(pairs) == 4
    assert len(outcome.failures) == len(said) == 2
    assert any("broken.jpg" in line for line in said)
    assert any("empty.mp4" in line for line in said)


def test_what_is_there_is_kept_and_what_is_missing_is_made(tmp_path: Path) -> None:
    for level in (60, 90):
        _picture(tmp_path / "faces" / f"face{level}.png", level)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60]))
    request = _request(tmp_path / "faces", driving, output=Path("out"))
    kept, gone = (path for path, _ in animate(request, _quiet).made)
    kept.write_bytes(b"kept")
    gone.unlink()
    (Path("out") / ".face60-driving-shift.1234.partial.mp4").write_bytes(b"of a killed run")
    outcome = animate(request, _quiet)
    assert outcome.kept == [kept]
    assert [path for path, _ in outcome.made] == [gone]
    assert kept.read_bytes() == b"kept"
    assert not list(Path("out").glob(".*.partial*"))
    with pytest.raises(InputError, match=r"another transfer, paste_back .*another --output"):
        animate(replace(request, transfer="absolute", paste_back=True), _quiet)
    assert json.loads((Path("out") / "animations.json").read_text())["transfer"] == ["relative"]


def test_a_result_of_other_files_of_the_same_names_is_not_taken_for_what_is_asked(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _picture(first / "me.png", 60)
    _picture(second / "me.png", 90)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60]))
    request = _request(first, driving, output=Path("out"))
    animate(request, _quiet)
    outcome = animate(replace(request, source=second), _quiet)
    assert (outcome.kept, outcome.made) == ([], [])
    assert "made of another source of that name" in outcome.failures[0]
    assert len(animate(request, _quiet).kept) == 1
    Path("out/me-driving-shift.mp4").unlink()
    assert len(animate(replace(request, source=second), _quiet).made) == 1


def test_pictures_whose_names_differ_by_suffix_alone_both_get_a_result(tmp_path: Path) -> None:
    for name in ("me.png", "me.bmp", "you.png"):
        _picture(tmp_path / "faces" / name)
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60]))
    outcome = animate(_request(tmp_path / "faces", driving, output=Path("out")), _quiet)
    names = {path.name for path, _ in outcome.made}
    assert names == {"me.png-driving-shift.mp4", "me.bmp-driving-shift.mp4", "you-driving-shift.mp4"}


def test_references_count_and_a_folder_made_with_others_is_refused(tmp_path: Path) -> None:
    source = _picture(tmp_path / "faces" / "me.png", 20).parent
    left, right = (_picture(tmp_path / f"{level}.png", level) for level in (60, 80))
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    request = _request(source, driving, models=("shift-by-views",), references=(left, right), output=Path("out"))
    assert _levels(animate(request, _quiet).made[0][0]) == pytest.approx([120, 160], abs=2)
    assert len(animate(replace(request, references=(right, left)), _quiet).kept) == 1
    with pytest.raises(InputError, match=r"another references .*another --output"):
        animate(replace(request, references=(left,)), _quiet)
    with pytest.raises(InputError, match="shift takes no references"):
        animate(replace(request, models=("shift-by-views", "shift")), _quiet)


def test_a_model_without_relative_transfer_takes_its_own_and_says_so(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 90]))
    source = _picture(tmp_path / "me.png", 20)
    request = _request(source, driving, models=("shift-by-views", "shift"), output=Path("strip.mp4"))
    said: list[str] = []
    animate(request, said.append)
    assert said == ["shift-by-views: absolute transfer, for want of relative"]
    with open_video(Path("strip.mp4")) as reader:
        frame = reader.frame(1)
    panels = np.array_split(frame[40:], 4, axis=1)
    middle = [round(float(panel[60:120, 60:120].mean())) for panel in panels]
    assert middle == pytest.approx([20, 90, 110, 60], abs=3)
    with pytest.raises(InputError, match="shift-by-views has no transfer mode 'relative': absolute"):
        animate(replace(request, transfer="relative"), _quiet)
    with pytest.raises(InputError, match="absolute transfer begins from no frame"):
        animate(replace(request, models=("shift-by-views",), start="best"), _quiet)


def test_a_folder_of_frames_is_one_driving_video(tmp_path: Path) -> None:
    write_png_folder(tmp_path / "frames", iter(grey_frames([50, 70])))
    outcome = animate(_request(_picture(tmp_path / "me.png"), tmp_path / "frames"), _quiet)
    assert _levels(outcome.made[0][0]) == pytest.approx([100, 120], abs=2)


def test_out_of_memory_names_the_batch_size_to_try(tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50] * 9))
    request = _request(_picture(tmp_path / "me.png"), driving, models=("shift-thirsty",))
    with pytest.raises(DeviceError, match=r"with 8 frames at once: try --batch-size 4$"):
        animate(request, _quiet)
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["driving.mp4"]
    assert animate(replace(request, batch_size=2), _quiet).made[0][1].frames == 9


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"output": Path("me.webm")}, "written as .mp4 or .gif"),
        ({"output": Path("driving.mp4")}, "this is an input"),
        ({"source": Path("faces"), "output": Path("r.mp4")}, "r.mp4: names a file, but .* name a folder"),
        ({"source": Path("faces"), "output": Path("me.png")}, "me.png: names a file"),
        ({"start": "best", "transfer": "absolute"}, "counts for relative transfer alone"),
        ({"transfer": "avd"}, "no transfer mode 'avd': absolute, relative"),
        ({"models": ("shift", "shift")}, "named twice"),
        ({"source": Path("gone.png")}, "gone.png: no such file"),
    ],
)
def test_mistakes(change: dict[str, object], hint: str, tmp_path: Path) -> None:
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60]))
    before = driving.read_bytes()
    _picture(tmp_path / "faces" / "me.png")
    with pytest.raises(InputError, match=hint):
        animate(replace(_request(_picture(tmp_path / "me.png"), driving), **change), _quiet)  # type: ignore[arg-type]
    assert driving.read_bytes() == before


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    source = _picture(tmp_path / "me.png")
    peaks = []
    for count in (20, 20, 160):
        driving = write_film(tmp_path / f"{count}.mp4", grey_frames([50] * count, 320, 240))
        tracemalloc.start()
        animate(_request(source, driving, output=Path("r.mp4"), side_by_side=True), _quiet)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A frame is 230 kB.
    assert peaks[2] < peaks[1] + 400_000


def test_a_video_is_moved_by_a_video(tmp_path: Path) -> None:
    source = write_film(tmp_path / "me.mp4", grey_frames([100, 120, 140, 110]))
    driving = write_film(tmp_path / "driving.mp4", grey_frames([50, 60, 90]))
    small_model("liveportrait", LivePortraitAnimator).save_pretrained(tmp_path / "model")
    model = f"liveportrait@{tmp_path / 'model'}"
    outcome = animate(_request(source, driving, models=(model,), output=Path("r.mp4")), _quiet)
    # As many frames as the shorter video has.
    assert outcome.made[0][1].frames == 3
    strip = _request(source, driving, models=(model,), output=Path("strip.mp4"), side_by_side=True)
    ((_, written),) = animate(replace(strip, precision="bf16-mixed"), _quiet).made
    assert "bf16-mixed changes a frame by" in written.remarks[0]
    with open_video(Path("strip.mp4")) as reader:
        assert len(reader) == 3
    with pytest.raises(InputError, match=r"me\.mp4: a video; shift takes a picture as source"):
        animate(_request(source, driving), _quiet)
    with pytest.raises(InputError, match=r"me\.mp4: a video; --paste-back is for a source picture"):
        animate(_request(source, driving, models=(model,), paste_back=True), _quiet)
