"""Faces and persons in real footage, and what is told where there are none."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lia_bench.animation.crop import BODY, FACE, Still, SubjectFinder, cut
from lia_bench.animation.inputs import Preparation, open_driving
from lia_bench.animation.product import animate
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.core.video import open_video, read_image
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.best_start import best_match
from lia_bench.preprocessing.boxes import Box, contains
from tests.animation.toys import decoded_sound, grey_frames, register, write_film
from tests.preprocessing.detectors import install_real


def test_the_square_holds_the_face_in_every_frame(real_data: Path) -> None:
    install_real("blazeface", real_data)
    with open_driving(real_data / "raw" / "videos" / "raw-vox-001.mp4") as footage:
        square = SubjectFinder(FACE).find(footage).square
    with (real_data / "raw" / "boxes" / "raw-vox-001.csv").open(newline="") as file:
        faces = [Box(*(float(row[side]) for side in Box._fields)) for row in csv.DictReader(file)]
    assert faces
    assert all(contains(square, face) for face in faces)
    # As in crops of VoxCeleb, where a face is between a little less than half and two thirds of the picture wide.
    assert 0.4 < np.mean([face.width for face in faces]) / square.width < 0.7


def test_the_portraits_of_the_authors_are_left_about_as_they_are(real_data: Path) -> None:
    install_real("blazeface", real_data)
    finder = SubjectFinder(FACE)
    for name in ("macron", "monroe", "taylor", "mona_lisa"):
        path = real_data / "real" / "vox" / f"{name}.png"
        square = finder.find(Still(path, read_image(path))).square
        assert square.width >= 0.95 * 256


def test_a_person_is_taken_from_corner_to_corner(real_data: Path) -> None:
    install_real("mediapipe-pose", real_data)
    path = real_data / "real" / "taichi" / "subject1.png"
    picture = read_image(path)
    height, width = picture.shape[:2]
    wide = np.pad(picture, ((40, 40), (200, 300), (0, 0)), mode="edge")
    square = SubjectFinder(BODY).find(Still(path, wide)).square
    assert 180 < (square.left + square.right) / 2 - width / 2 < 220
    assert 0.7 * height < square.height < 1.2 * height


def test_the_largest_of_two_faces_is_taken_and_the_user_is_told(real_data: Path) -> None:
    install_real("blazeface", real_data)
    portraits = [Image.open(real_data / "real" / "vox" / f"{name}.png").convert("RGB") for name in ("macron", "taylor")]
    canvas = Image.new("RGB", (640, 300))
    canvas.paste(portraits[0].resize((160, 160)), (20, 60))
    canvas.paste(portraits[1], (360, 20))
    sighting = SubjectFinder(FACE).find(Still(Path("two.png"), np.asarray(canvas)))
    assert sighting.square.left > 300
    assert sighting.remarks == ("two.png: 2 faces were found; the largest is taken",)


def test_no_face_is_said_and_the_way_out_is_offered(real_data: Path, tmp_path: Path) -> None:
    install_real("blazeface", real_data)
    finder = SubjectFinder(FACE)
    with pytest.raises(InputError, match=r"wall.png: no face was found there; .*--no-crop"):
        finder.find(Still(Path("wall.png"), np.full((200, 300, 3), 90, np.uint8)))
    wall = write_film(tmp_path / "wall.mp4", grey_frames([90] * 10))
    with open_driving(wall) as footage, pytest.raises(InputError, match=r"no face was found in any frame.*--no-crop"):
        finder.find(footage)


def test_missing_weights_name_the_command_that_fetches_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"lia-bench weights fetch blazeface.*--no-crop"):
        SubjectFinder(FACE)
    assert not WEIGHTS["blazeface"].path.exists()


def test_best_start_is_the_frame_that_shows_the_source_s_pose(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source is one of the driving frames, so relative transfer from it gives that frame there unchanged."""
    register(monkeypatch)
    for name in ("blazeface", "face-landmarker"):
        install_real(name, real_data)
    monkeypatch.chdir(tmp_path)
    with open_video(real_data / "real" / "vox" / "driving3.mov") as reader:
        frames = [reader.frame(index) for index in range(0, 446, 12)]
    # Brightness is what the toy transfers.
    film = [np.rint(frame * (0.5 + 0.5 * index / len(frames))).astype(np.uint8) for index, frame in enumerate(frames)]
    driving = write_film(tmp_path / "driving.mp4", film, rate=Fraction(6))
    Image.fromarray(frames[30]).save(tmp_path / "me.png")
    request = AnimationRequest(("shift",), tmp_path / "me.png", driving, start="best", output=tmp_path / "r.mp4")
    preparation = Preparation(request, print)
    source, video = preparation.source(request.source), preparation.driving(driving)
    assert source.points is not None
    assert best_match(source.points, video.points.values()) == 30
    assert animate(request, print).made[0][1].frames == len(film)
    still = cut(frames[30], source.square).mean()
    with open_video(tmp_path / "r.mp4") as reader:
        assert reader.frame(30).mean() == pytest.approx(still, abs=1.5)
        assert reader.frame(0).mean() < still - 10


def test_a_talking_head_keeps_rate_length_and_sound(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    install_real("blazeface", real_data)
    driving = real_data / "real" / "vox" / "driving2.mp4"
    source = real_data / "real" / "vox" / "macron.png"
    output = tmp_path / "r.mp4"
    ((_, written),) = animate(AnimationRequest(("shift",), source, driving, output=output), print).made
    assert written.with_sound
    with open_video(output) as made, open_video(driving) as given:
        assert (len(made), made.properties.fps) == (len(given), given.properties.fps)
    (ours, rate), (theirs, _) = decoded_sound(output), decoded_sound(driving)
    assert rate == 48000
    assert len(ours) / rate == pytest.approx(221 / 25, abs=1 / 25)
    window = slice(2 * rate, 5 * rate)
    lags = range(-400, 401, 4)
    likeness = [float(np.dot(ours[window], theirs[2 * rate + lag : 5 * rate + lag])) for lag in lags]
    assert abs(lags[int(np.argmax(likeness))]) / rate < 0.005
