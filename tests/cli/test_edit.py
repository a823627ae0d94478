"""`lia-bench edit` and `lia-bench animate --edit` as they are typed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lia_bench
from lia_bench.animation.edits import sweep_values
from lia_bench.cli.main import run
from lia_bench.core.errors import InputError
from lia_bench.core.video import open_video, read_picture, resize, to_frame, to_tensor, write_video
from lia_bench.models.controls import Control
from lia_bench.models.loading import load_model


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders lia and liveportrait, of untrained networks."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    load_model("lia", variant="demo-64", device="cpu", motion_dim=3).save_pretrained(folder / "lia")
    load_model("liveportrait", variant="demo-64", device="cpu").save_pretrained(folder / "liveportrait")
    return folder


@pytest.fixture
def folder(tmp_path: Path, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: me.png of another size than the models', talk.mp4, and links to the checkpoints."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (3, 71, 97, 3), dtype=np.uint8)
    Image.fromarray(frames[0]).save("me.png")
    write_video(Path("talk.mp4"), frames[:, :70, :96], 25.0)
    for name in ("lia", "liveportrait"):
        (tmp_path / name).symlink_to(checkpoints / name)
    return tmp_path


def made(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints that succeeds."""
    assert run([*words.split(), "--no-crop", "--device", "cpu"], debug=False) == 0
    return capsys.readouterr().out


def failure(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failing command ends with."""
    assert run([*words.split(), "--no-crop", "--device", "cpu"], debug=False) != 0
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


def test_a_picture_is_edited_as_from_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "edit liveportrait@liveportrait --image me.png --set yaw=0.4 --set roll=0.2 --set yaw=-0.1"
    assert made(words, capsys) == "me-liveportrait-edited.png: 1 frame\n"
    model = load_model("liveportrait", "liveportrait", device="cpu")
    still = resize(read_picture(Path("me.png")), (64, 64))
    expected = to_frame(model.edit(to_tensor(still), {"yaw": 0.4 - 0.1, "roll": 0.2}))
    assert np.array_equal(read_picture(Path("me-liveportrait-edited.png")), expected)
    # There and back is where it began.
    made("edit liveportrait@liveportrait --image me.png --set yaw=0.4 --set yaw=-0.4 --output out/back.png", capsys)
    assert np.array_equal(read_picture(Path("out/back.png")), to_frame(model.edit(to_tensor(still), {})))


def test_the_result_is_put_back_into_all_of_the_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made("edit lia@lia --image me.png --set direction-02=2 --paste-back --output back.png", capsys)
    before, after = read_picture(Path("me.png")), read_picture(Path("back.png"))
    assert after.shape == before.shape
    assert np.array_equal(after[70:], before[70:])
    assert not np.array_equal(after[:70], before[:70])


def test_a_sweep_goes_both_ways_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "edit lia@lia --image me.png --sweep direction-02 --range -1 2 --steps 2"
    assert made(words, capsys) == "me-lia-sweep-direction-02.mp4: 8 frames\n"
    with open_video(Path("me-lia-sweep-direction-02.mp4")) as video:
        frames = [frame.astype(int) for frame in video]
    half, end, _, still = frames[:4]
    assert np.abs(end - still).mean() > np.abs(half - still).mean() > 0


def test_the_order_of_a_sweep() -> None:
    control = Control("yaw", "", -1.0, 0.5)
    assert sweep_values(control, None, 2) == [0.25, 0.5, 0.25, 0.0, -0.5, -1.0, -0.5, 0.0]
    assert len(sweep_values(control, None, 16)) == 64
    with pytest.raises(InputError, match=r"a sweep from 0.1 to 0.5 does not pass 0, where yaw rests"):
        sweep_values(control, (0.1, 0.5), 2)


def test_a_video_is_edited_and_put_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "edit lia@lia --video talk.mp4 --set direction-01=1.5 --batch-size 2 --paste-back"
    assert made(words, capsys) == "talk-lia-edited.mp4: 3 frames\n"
    with open_video(Path("talk-lia-edited.mp4")) as video:
        assert (len(video), video.properties.width, video.properties.height) == (3, 96, 70)


def test_the_source_is_edited_before_it_is_moved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "animate lia@lia --source me.png --driving talk.mp4 --output {}.gif"
    made(words.format("plain"), capsys)
    made(words.format("edited") + " --edit direction-01=2", capsys)
    amounts = {"direction-01": 2.0}
    animation = lia_bench.animate("me.png", "talk.mp4", model="lia@lia", edit=amounts, crop=False, device="cpu")
    model = load_model("lia", "lia", device="cpu")
    still = to_tensor(resize(read_picture(Path("me.png")), (64, 64)))
    assert np.array_equal(animation.frames[0], to_frame(model.edit(still, amounts)))
    with open_video(Path("plain.gif")) as plain, open_video(Path("edited.gif")) as edited:
        assert not np.array_equal(plain.frame(0), edited.frame(0))


def test_controls_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = made("edit liveportrait@liveportrait --list", capsys).splitlines()
    assert lines[0].split() == ["control", "from", "to", "moves"]
    assert lines[1].startswith("yaw      -0.5  0.5  head turned")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("edit liveportrait@liveportrait --image me.png --set yow=0.1", "unknown control 'yow': did you mean 'yaw'?"),
        ("edit liveportrait@liveportrait --image me.png --sweep pich", "unknown control 'pich': did you mean 'pitch'?"),
        ("edit lia@lia --image me.png --set direction-01=far", "'direction-01=far' is no edit: write it as control="),
        ("edit lia@lia --image me.png --set direction-01=nan", "'direction-01=nan' is no edit"),
        ("edit lia@lia --image me.png --set direction-01", "'direction-01' is no edit"),
        ("edit fomm --image me.png --set yaw=0.1", "fomm has no controls to edit by: take lia, liax, liveportrait"),
        ("edit lla --image me.png --set yaw=0.1", "did you mean 'lia'"),
        ("edit lia@lia --image none.png --set direction-01=1", "none.png: no such file"),
        ("edit lia@lia --image talk.mp4 --set direction-01=1", "talk.mp4: not an image"),
        ("edit lia@lia --image me.png --set direction-01=1 --output me.mp4", "me.mp4: pictures are written as .png"),
        ("edit lia@lia --image me.png --set direction-01=1 --output me.png", "me.png: this is the input"),
        ("edit lia@lia --image me.png --sweep direction-01 --output me.png", "me.png: results are written as .mp4"),
        ("edit lia@lia --image me.png", "say what to move"),
        ("edit lia@lia --image me.png --video talk.mp4 --set direction-01=1", "one --image or one --video"),
        ("edit lia@lia --video talk.mp4 --sweep direction-01", "a sweep moves one picture"),
        ("animate fomm --source me.png --driving talk.mp4 --edit yaw=1", "fomm has no controls to edit by"),
        ("animate lia@lia --source me.png --driving talk.mp4 --edit yaw=1", "unknown control 'yaw'"),
        (
            "animate lia@lia --source me.png --driving talk.mp4 --edit direction-01=1 --transfer absolute",
            "--edit goes with relative transfer: absolute transfer takes the driving frames' own pose",
        ),
    ],
)
def test_bad_input_is_one_line(words: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    assert message in failure(words, capsys)
    assert sorted(folder.iterdir()) == before


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["edit", "--help"], debug=False) == 0
    assert "lia-bench edit liax@lia-x.pt --image portrait.jpg --set yaw=-0.3 --set smile=0.2" in capsys.readouterr().out
