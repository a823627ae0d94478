"""`lia-bench interpret` as it is typed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench import read_picture, read_video
from lia_bench.cli.main import run
from lia_bench.core.video import open_video, to_frame, write_video
from lia_bench.models.blocks.latent_animator import LatentAnimator
from lia_bench.models.lia.authors_checkpoint import authors_content
from lia_bench.models.loading import load_model
from tests.preprocessing.detectors import install_real

DIRECTIONS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portrait of another size than the model's, a driving video, and a checkpoint with random weights."""
    folder = tmp_path_factory.mktemp("interpret")
    frames = np.random.default_rng(0).integers(0, 256, (5, 48, 96, 3), dtype=np.uint8)
    Image.fromarray(frames[0]).save(folder / "portrait.png")
    write_video(folder / "talk.mp4", frames, 25.0)
    torch.manual_seed(0)
    torch.save(authors_content(load_model("lia", variant="demo-64", device="cpu").state_dict()), folder / "demo.pt")
    return folder


@pytest.fixture
def words(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    model = f"lia:demo-64@{folder / 'demo.pt'}"
    return ["interpret", model, "--image", str(folder / "portrait.png"), "--no-crop", "--device", "cpu"]


def failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failing command ends with."""
    assert run(words, debug=False) == 1
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


def test_all_files(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*words, "--driving", str(folder / "talk.mp4"), "--steps", "4"]
    assert run(words, debug=False) == 0
    printed = capsys.readouterr().out
    assert "portrait-lia: 20 directions" in printed
    output = Path("portrait-lia")
    assert len(list((output / "directions").iterdir())) == 2 * DIRECTIONS
    with open_video(output / "directions" / "d07.mp4") as video:
        assert (len(video), video.properties.width) == (4, 64)
    with Image.open(output / "directions" / "d20.png") as grid:
        assert grid.size[0] == 4 * 128
    with Image.open(output / "reference.png") as picture:
        assert picture.size == (64, 64)
    with Image.open(output / "magnitudes.png") as plot:
        plot.verify()

    ranking = pd.read_csv(output / "directions.csv")
    assert sorted(ranking["direction"]) == list(range(1, DIRECTIONS + 1))
    assert ranking["flow"].is_monotonic_decreasing
    assert ranking["flow"].to_numpy() == pytest.approx(
        ranking[["flow_8", "flow_16", "flow_32", "flow_64"]].mean(axis=1).to_numpy(), rel=1e-4
    )
    assert printed.splitlines()[1].split()[:2] == ["1", f"d_{ranking['direction'][0]}"]
    magnitudes = pd.read_csv(output / "magnitudes.csv")
    assert list(magnitudes["seconds"]) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert list(magnitudes.columns[2:]) == [f"d_{direction}" for direction in range(1, DIRECTIONS + 1)]
    top = ranking.iloc[0]
    assert magnitudes[f"d_{int(top['direction'])}"].max() == pytest.approx(top["driving_highest"], rel=1e-4)


def test_liax_is_looked_at_likewise(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    load_model("liax", variant="demo-64", device="cpu", motion_dim=3).save_pretrained("checkpoint")
    words = ["interpret", "liax@checkpoint", *words[2:], "--driving", str(folder / "talk.mp4"), "--steps", "2"]
    assert run(words, debug=False) == 0
    assert "portrait-liax: 3 directions" in capsys.readouterr().out
    ranking = pd.read_csv("portrait-liax/directions.csv")
    assert sorted(ranking["direction"]) == [1, 2, 3]
    assert ranking["flow"].iloc[0] > 0
    assert Path("portrait-liax/reference.png").is_file()
    assert Path("portrait-liax/directions/d3.mp4").is_file()
    assert len(pd.read_csv("portrait-liax/magnitudes.csv")) == 5


def test_again_replaces_what_there_is(words: list[str]) -> None:
    words = [*words, "--output", "seen", "--steps", "2"]
    assert run(words, debug=False) == 0
    first = {path: path.read_bytes() for path in Path("seen").rglob("*.*")}
    Path("seen/directions/d01.png").write_bytes(b"broken")
    Path("seen/notes.txt").write_text("mine")
    assert run(words, debug=False) == 0
    assert {path: path.read_bytes() for path in Path("seen").rglob("*.*") if path.name != "notes.txt"} == first
    assert Path("seen/notes.txt").read_text() == "mine"
    assert not list(Path("seen").rglob("magnitudes*"))


def test_without_a_checkpoint_the_newest_run_is_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "no run of lia in runs: train it first (lia-bench train lia)" in failure(
        ["interpret", "lia", *words[2:]], capsys
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("fomm", "fomm has no motion directions to interpret: take lia or liax"),
        ("identity", "identity has no motion directions"),
        ("lla", "did you mean 'lia'"),
        ("lia:demo-64@nowhere.pt", "nowhere.pt: no checkpoint there"),
    ],
)
def test_models_that_cannot_be_interpreted(
    words: list[str], model: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in failure(["interpret", model, *words[2:]], capsys)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--image", "nowhere.png"], "nowhere.png: no such image"),
        (["--image", "words.txt"], "words.txt: not an image"),
        (["--driving", "words.txt"], "words.txt"),
        (["--range", "3", "-3"], "lower end first"),
        (["--steps", "1"], "at least 2"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_written(
    words: list[str], changed: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("words.txt").write_text("no picture")
    assert message in failure([*words, *changed], capsys)
    assert not Path("portrait-lia").exists()


def test_pictures_of_all_kinds_are_taken(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    monkeypatch.setattr(LatentAnimator, "check_frame", lambda _self, _what, frame: seen.append(tuple(frame.shape)))
    kinds: list[tuple[str, Any]] = [("RGBA", (1, 2, 3, 4)), ("I;16", 40_000)]
    for mode, colour in kinds:
        Image.new(mode, (70, 50), colour).save("kind.png")
        assert run([*words, "--image", "kind.png", "--steps", "2"], debug=False) == 0
    assert set(seen) == {(3, 64, 64)}


def test_the_face_is_found_in_a_photograph_and_in_the_video(
    folder: Path, words: list[str], real_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_real("blazeface", real_data)
    face = Image.open(real_data / "real" / "vox" / "macron.png").convert("RGB")
    photograph = Image.new("RGB", (900, 500), "white")
    photograph.paste(face, (600, 100))
    photograph.save("photograph.png")
    sources: list[Tensor] = []
    monkeypatch.setattr(LatentAnimator, "check_frame", lambda _self, _what, frame: sources.append(frame))
    words = [*(word for word in words if word != "--no-crop"), "--steps", "2"]
    driving = str(real_data / "raw" / "videos" / "raw-vox-001.mp4")
    assert run([*words, "--image", "photograph.png", "--driving", driving], debug=False) == 0
    # The dark portrait, a seventh of the white photograph, fills most of the square.
    assert (sources[-1] < 0.5).float().mean() > 0.4
    assert "no face was found" in failure(words, capsys)


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["interpret", "--help"], debug=False) == 0
    assert "lia-bench interpret lia:vox-256@vox.pt --image portrait.png --driving talk.mp4" in capsys.readouterr().out


def test_the_masks_of_iapm_stand_in_a_row(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    load_model("iapm", variant="demo-64", device="cpu", checkpoint="untrained").save_pretrained("checkpoint")
    words = ["interpret", "iapm@checkpoint", *words[2:]]
    assert "give a --driving video to see its masks" in failure(words, capsys)
    words += ["--driving", str(folder / "talk.mp4"), "--batch-size", "2"]
    assert run(words, debug=False) == 0
    names = "source, driving, source mask, driving mask, perturbed, refined, coarse frame, frame"
    assert f"portrait-iapm: {names} in stages.mp4" in capsys.readouterr().out
    with open_video(Path("portrait-iapm/stages.mp4")) as video:
        row = np.asarray(Image.open("portrait-iapm/stages.png"))
        height, width = video.properties.height, video.properties.width
        assert len(video) == 5
        assert row.shape == (5 * height, width, 3)
    # The last panel of every row is the frame that the model animates, enlarged.
    model = load_model("iapm", checkpoint="checkpoint", device="cpu")
    driving, _ = read_video(folder / "talk.mp4", size=64)
    frames = model.animate(read_picture(folder / "portrait.png", size=64), driving, batch_size=3)
    shown = row.reshape(5, height, width, 3)[:, -192::3, -192::3]
    expected = [to_frame(frame) for frame in frames]
    assert np.abs(shown.astype(int) - np.stack(expected)).max() <= 1
