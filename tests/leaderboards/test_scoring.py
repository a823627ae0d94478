"""Videos that some other program made: matched, checked, scored."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.video import write_png_folder, write_video
from lia_bench.leaderboards.board.comparison import compare_models
from lia_bench.leaderboards.evaluation.request import ScoreRequest
from lia_bench.leaderboards.evaluation.score import score
from lia_bench.leaderboards.evaluation.session import alone_in_results
from lia_bench.leaderboards.results.measurement import measurements
from lia_bench.leaderboards.results.report_file import read_report
from tests.leaderboards.test_evaluation import comparable, read
from tests.leaderboards.toy_metrics import register_toy_metrics

SIZE = 32


def drifting(frames: int, seed: int, noise: float = 0.0) -> list[np.ndarray]:
    """Smooth colours that change slowly, with noise."""
    random = np.random.default_rng(seed)
    first, last = (np.kron(random.uniform(40, 210, (4, 4, 3)), np.ones((8, 8, 1))) for _ in range(2))
    steps = np.linspace(0, 1, frames)
    clean = [first + (last - first) * step for step in steps]
    return [np.clip(frame + random.normal(0, noise, frame.shape), 0, 255).astype(np.uint8) for frame in clean]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """reference/ with a, b and c; good/ and bad/ with the same videos, a little and much noise added."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    for number, name in enumerate("abc"):
        write_png_folder(tmp_path / "reference" / name, drifting(5 + number, number))
        write_png_folder(tmp_path / "good" / name, drifting(5 + number, number, noise=4))
        write_png_folder(tmp_path / "bad" / name, drifting(5 + number, number, noise=12))
    return tmp_path


def request(folders: Path, generated: str, **fields: Any) -> ScoreRequest:
    usual: dict[str, Any] = {
        "generated": folders / generated,
        "reference": folders / "reference",
        "metrics": ("l1", "psnr", "ssim"),
        "device": "cpu",
        "name": "table",
        "results": folders / "results",
    }
    return ScoreRequest(**(usual | fields))


def test_scores_are_those_of_the_pixels_and_models_share_a_table(folders: Path) -> None:
    score(request(folders, "bad"))
    outcome = score(request(folders, "good", model="ours"))
    bad, good = read(outcome.leaderboard)
    assert (bad["model"], good["model"]) == ("bad", "ours")
    expected = [
        np.mean(np.abs(np.subtract(drifting(5 + k, k, 4), drifting(5 + k, k), dtype=float))) / 255 for k in range(3)
    ]
    assert float(good["l1"]) == pytest.approx(np.mean(expected), rel=1e-4)
    assert float(good["psnr"]) > float(bad["psnr"])
    assert (good["clips"], good["frames"], good["fps"]) == ("3", str(5 + 6 + 7), "")
    assert (good["origin"], len(good["dataset_hash"])) == ("measured", 64)


def test_a_folder_held_against_itself_is_perfect(folders: Path) -> None:
    (row,) = read(score(request(folders, "reference")).leaderboard)
    assert (row["l1"], row["psnr"]) == ("0", "")
    assert float(row["ssim"]) == pytest.approx(1, abs=1e-5)


def test_the_batch_size_changes_nothing(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy_metrics(monkeypatch)
    metrics = ("l1", "ssim", "toy_akd", "toy_fid", "toy_video_fid")
    one = score(request(folders, "bad", metrics=metrics, batch_size=1, name="one"))
    many = score(request(folders, "bad", metrics=metrics, batch_size=4, name="many"))
    assert comparable(one) == comparable(many)


def test_what_does_not_match_is_listed_and_left_out(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = folders / "made"
    write_png_folder(made / "a", drifting(5, 0, noise=4))
    write_png_folder(made / "b", drifting(4, 1))
    write_png_folder(made / "extra", drifting(5, 1))
    write_video(folders / "reference" / "d.mp4", drifting(5, 3), 25.0)
    write_png_folder(made / "d", [np.zeros((16, 32, 3), np.uint8)] * 5)
    write_png_folder(folders / "reference" / "e", drifting(5, 3))
    (made / "e.mp4").write_bytes(b"no video")
    words = ["score", "--generated", str(made), "--reference", str(folders / "reference"), "--metrics", "l1"]
    assert run([*words, "--device", "cpu", "--results", str(folders / "results")], debug=False) == 1
    out, err = capsys.readouterr()
    assert "made" in out
    lines = [line for line in err.splitlines() if line.startswith(("left out", "error"))]
    assert len(lines) == 6
    for words_ in ("no video for c", "extra: ", "4 frames, and 6", "frames of 32x16, and 32x32", "e.mp4: "):
        assert sum(words_ in line for line in lines) == 1, words_
    (row,) = read(folders / "results" / "score-reference" / "leaderboard.csv")
    assert row["clips"] == "1"
    assert lines[-1] == "error: 5 videos were left out, listed above"


def test_borders_can_be_left_out(folders: Path) -> None:
    framed = folders / "framed"
    for number, name in enumerate("abc"):
        frames = np.stack(drifting(5 + number, number))
        frames[:, :, [0, -1]] = 255
        write_png_folder(framed / name, list(frames))
    whole = read(score(request(folders, "framed", name="whole")).leaderboard)[0]
    inner = read(score(request(folders, "framed", name="inner", trim=(0, 1, 0, 1))).leaderboard)[0]
    assert float(whole["l1"]) > 0
    assert inner["l1"] == "0"
    with pytest.raises(InputError, match="nothing is left"):
        score(request(folders, "framed", name="nothing", trim=(16, 0, 16, 0)))


def test_identity_is_compared_with_the_source_images(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy_metrics(monkeypatch)
    (folders / "sources").mkdir()
    for name in "ab":
        Image.new("RGB", (SIZE, SIZE), (10, 20, 30)).save(folders / "sources" / f"{name}.png")
    fields: dict[str, Any] = {"metrics": ("l1", "toy_identity"), "source": folders / "sources"}
    outcome = score(request(folders, "good", **fields))
    (row,) = read(outcome.leaderboard)
    assert (row["task"], row["clips"]) == ("cross", "2")
    assert any("no image for c" in line for line in outcome.failures)
    colours = [np.abs(np.mean(drifting(5 + k, k, 4), axis=(1, 2)) - (10, 20, 30)).mean() for k in range(2)]
    assert float(row["toy_identity"]) == pytest.approx(np.mean(colours), rel=1e-4)
    # The reference shows another person then: what compares pixels would mean nothing.
    assert row["l1"] == ""
    cell = next(cell for cell in outcome.report.content.cells if cell.metric == "l1")
    assert "another person's video drives" in (cell.reason or "")


def test_a_source_of_which_nothing_is_left_is_a_line(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy_metrics(monkeypatch)
    (folders / "sources").mkdir()
    for name, height in (("a", 2 * SIZE), ("b", 5), ("c", 4)):
        Image.new("RGB", (SIZE, height), (10, 20, 30)).save(folders / "sources" / f"{name}.png")
    fields: dict[str, Any] = {"metrics": ("toy_identity",), "source": folders / "sources", "trim": (2, 0, 2, 0)}
    outcome = score(request(folders, "good", **fields))
    assert read(outcome.leaderboard)[0]["clips"] == "2"
    (line,) = outcome.failures
    assert "c.png: --trim leaves nothing of it" in line


def test_frames_may_be_left_out_on_both_sides(folders: Path) -> None:
    write_png_folder(folders / "short" / "a", drifting(4, 0)[:3])
    fields: dict[str, Any] = {"max_frames": 3, "skip_source_frame": True}
    whole = score(request(folders, "bad", **fields))
    (row,) = read(whole.leaderboard)
    assert (row["clips"], row["frames"], row["max_frames"], row["source_frame"]) == ("3", "6", "3", "skipped")
    clean, noisy = ([np.stack(drifting(5 + k, k, noise))[1:3] for k in range(3)] for noise in (0, 12))
    expected = [np.abs(mine.astype(float) - true).mean() / 255 for mine, true in zip(noisy, clean, strict=True)]
    assert float(row["l1"]) == pytest.approx(np.mean(expected), rel=1e-4)
    # Three frames are all that count, however many the true video has.
    assert read(score(request(folders, "short", name="short", max_frames=3)).leaderboard)[0]["frames"] == "3"
    with pytest.raises(InputError, match="name the images"):
        score(request(folders, "good", set_side="source"))


def test_the_animated_image_may_have_another_size_than_the_videos(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_toy_metrics(monkeypatch)
    Image.new("RGB", (2 * SIZE, 3 * SIZE), (90, 20, 30)).save(folders / "portrait.png")
    outcome = score(request(folders, "good", source=folders / "portrait.png", metrics=("toy_akd",)))
    assert outcome.failures == ()
    assert read(outcome.leaderboard)[0]["clips"] == "3"


def test_a_list_says_what_belongs_together(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy_metrics(monkeypatch)
    (folders / "sources").mkdir()
    for number, name in enumerate("xy"):
        Image.new("RGB", (SIZE, SIZE), (10 + 90 * number, 20, 30)).save(folders / "sources" / f"{name}.png")
    made = folders / "made"
    for source in "xy":
        write_png_folder(made / f"{source}-a-lia", drifting(5, 0, noise=4))
    listed = "source,driving,generated\nx.png,a.mp4,x-a-lia.mp4\ny.png,a.mp4,y-a-lia.mp4\ny.png,gone.mp4,y-a-lia.mp4\n"
    (made / "pairs.csv").write_text(listed)
    fields: dict[str, Any] = {"source": folders / "sources", "metrics": ("l1", "toy_akd", "toy_fid")}
    said: list[str] = []
    outcome = score(request(folders, "made", **fields), said.append)
    assert any("pairs.csv: says which source" in line for line in said)
    assert [line for line in outcome.failures if "line 4: there is no video gone.mp4" in line]
    (row,) = read(outcome.leaderboard)
    assert (row["task"], row["clips"], row["l1"], len(row["pairs"])) == ("cross", "2", "", 12)
    # Who follows the driving person at all can be told without true frames.
    assert float(row["toy_akd"]) >= 0
    assert {entry["source"] for entry in read(outcome.per_clip)} == {"x", "y"}
    folder = outcome.report.folder / "videos" / "cross"
    assert {path.name for path in folder.iterdir()} == {"x--by--a", "y--by--a"}
    sets = score(request(folders, "made", **fields, set_side="source", name="sets"))
    assert read(sets.leaderboard)[0]["set_side"] == "source"
    assert read(sets.leaderboard)[0]["toy_fid"] != row["toy_fid"]
    assert sets.run.sets is not None
    assert sets.run.sets.scores[0].reference == 2


def test_two_models_are_compared_over_the_clips_of_both(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for generated in ("good", "bad"):
        score(request(folders, generated))
    found = {
        difference.metric: difference
        for difference in compare_models("good", "bad", folders / "results", None).differences
    }
    assert found["l1"].shown == "first"
    assert found["psnr"].shown == "first"
    assert found["l1"].interval is not None
    assert found["l1"].interval[0] < found["l1"].first - found["l1"].second < found["l1"].interval[1] < 0
    words = ["leaderboard", "compare", "bad", "good", "--results", str(folders / "results")]
    assert run(words, debug=False) == 0
    out = capsys.readouterr().out
    assert "good is better" in out
    assert "few clips (" in out
    same = compare_models("good", "good", folders / "results", "table")
    assert {difference.shown for difference in same.differences} == {None}
    assert run([*words[:2], "bad", "goof", *words[4:]], debug=False) == 1
    assert "did you mean 'good'" in capsys.readouterr().err


def test_two_scorings_in_one_folder_do_not_mix(folders: Path) -> None:
    with alone_in_results(folders / "results" / "table"), pytest.raises(InputError, match="another evaluation"):
        score(request(folders, "good"))
    assert len(read(score(request(folders, "good")).leaderboard)) == 1


def test_a_source_image_that_comes_later_or_changes_is_not_taken_for_the_old_one(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_toy_metrics(monkeypatch)
    (folders / "sources").mkdir()
    for name in "ac":
        Image.new("RGB", (SIZE, SIZE), (10, 20, 30)).save(folders / "sources" / f"{name}.png")
    (folders / "sources" / "a.json").write_text("{}")
    fields: dict[str, Any] = {"metrics": ("toy_identity", "toy_fid"), "source": folders / "sources"}
    first = score(request(folders, "good", **fields))
    assert [clip.number for clip in first.run.clips] == [0, 2]
    Image.new("RGB", (SIZE, SIZE), (200, 20, 30)).save(folders / "sources" / "a.png")
    with pytest.raises(InputError, match="sources"):
        score(request(folders, "good", **fields))


def test_videos_of_one_name_are_left_out_and_said(folders: Path) -> None:
    write_video(folders / "good" / "a.mp4", drifting(5, 7), 25.0)
    outcome = score(request(folders, "good"))
    assert read(outcome.leaderboard)[0]["clips"] == "2"
    assert any("several videos are called a: a, a.mp4" in line for line in outcome.failures)


@pytest.mark.parametrize("first", ["broken", "odd"])
def test_the_first_reference_stops_nothing(first: str, folders: Path) -> None:
    shutil.rmtree(folders / "reference" / "a")
    if first == "broken":
        (folders / "reference" / "a.mp4").write_bytes(b"no video")
    else:
        write_png_folder(folders / "reference" / "a", [np.zeros((16, 16, 3), np.uint8)] * 5)
    outcome = score(request(folders, "good"))
    assert read(outcome.leaderboard)[0]["clips"] == "2"
    assert len(outcome.failures) == 1
    assert "a" in outcome.failures[0]


def test_videos_made_anew_are_a_row_of_their_own(folders: Path) -> None:
    score(request(folders, "good"))
    shutil.rmtree(folders / "good")
    for number, name in enumerate("abc"):
        write_png_folder(folders / "good" / name, drifting(5 + number, number, noise=8))
    outcome = score(request(folders, "good"))
    first, second = (measurement.label for measurement in measurements(outcome.report.content))
    assert first != second
    assert all(label.startswith("good#") for label in (first, second))
    with pytest.raises(UnknownNameError, match="good#"):
        compare_models("good", first, folders / "results", "table")
    assert len(compare_models(first, second, folders / "results", "table").differences) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reference": Path("nowhere")}, "nowhere: no such folder"),
        ({"trim": (0, -1, 0, 0)}, "pixels cannot be negative"),
        ({"batch_size": 0}, "at least 1"),
        ({"name": "a/b"}, "one folder"),
        ({"source": Path("nowhere")}, "no image"),
    ],
)
def test_wrong_requests_are_one_clear_line(fields: dict[str, Any], message: str, folders: Path) -> None:
    with pytest.raises(InputError, match=message):
        score(request(folders, "good", **fields))


def test_folders_that_share_no_name(folders: Path) -> None:
    write_png_folder(folders / "others" / "x", drifting(5, 0))
    with pytest.raises(InputError, match="matched by name"):
        score(request(folders, "others"))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    for frames in (64, 1024):
        for side in ("reference", "made"):
            pictures = (np.full((96, 96, 3), k % 256, np.uint8) for k in range(frames))
            write_video(tmp_path / str(frames) / side / "a.mp4", pictures, 25.0)
    # In one process, whose peak grows where the longer clip takes more than the shorter one did.
    program = (
        "import sys, resource; from pathlib import Path\n"
        "from lia_bench.leaderboards.evaluation.request import ScoreRequest\n"
        "from lia_bench.leaderboards.evaluation.score import score\n"
        "for frames in ('64', '1024'):\n"
        "    folder = Path(sys.argv[1], frames)\n"
        "    score(ScoreRequest(folder / 'made', folder / 'reference', device='cpu', results=folder / 'results',\n"
        "        metrics=('l1', 'psnr', 'ssim')))\n"
        "    print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = os.environ | {"LIA_BENCH_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True, timeout=300)
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("peak ")]
    assert len(peaks) == 2
    assert peaks[1] < 1.1 * peaks[0]


def equal_on(folders: Path, names: str) -> Path:
    """partly/: the videos of bad/, but those of `names` equal their references."""
    shutil.copytree(folders / "bad", folders / "partly")
    for name in names:
        shutil.rmtree(folders / "partly" / name)
        shutil.copytree(folders / "reference" / name, folders / "partly" / name)
    return folders / "partly"


@pytest.mark.parametrize(("equal", "frames", "missing"), [("a", 6 + 7, 5), ("ac", 6, 5 + 7), ("", 5 + 6 + 7, 0)])
def test_clips_that_equal_their_references_are_counted_as_left_out(
    equal: str, frames: int, missing: int, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    equal_on(folders, equal)
    words = f"score --generated {folders}/partly --reference {folders}/reference --results {folders}/results"
    assert (
        run([*words.split(), "--metrics", "l1,psnr", "--device", "cpu", "--no-videos", "--name", "t"], debug=False) == 0
    )
    printed = capsys.readouterr().out
    line = f"psnr: clips left out since they equal their references: partly {len(equal)} of 3"
    assert (line in printed) == bool(equal)
    assert "nothing was found" not in printed
    (row,) = read(folders / "results" / "t" / "leaderboard.csv")
    assert (row["clips"], row["psnr_frames"], row["psnr_missing"]) == ("3", str(frames), str(missing))
    assert (row["l1_frames"], row["l1_missing"]) == ("18", "0")
    cells = {cell.metric: cell for cell in read_report(folders / "results" / "t").cells}
    assert (cells["psnr"].clips, cells["psnr"].clips_with_a_value) == (3, 3 - len(equal))
    assert (cells["psnr"].valid_frames, cells["psnr"].missing_frames) == (frames, missing)
    assert run(["leaderboard", str(folders / "results" / "t")], debug=False) == 0
    merged = capsys.readouterr().out
    assert (f"psnr: frames without a value left out: partly {missing} of 18" in merged) == bool(equal)


def test_the_partly_identical_folders_of_a_public_report(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = real_data / "reports" / "partly_identical"
    words = f"score --generated {folder}/generated --reference {folder}/reference --results {tmp_path} --name t"
    assert run([*words.split(), "--metrics", "psnr", "--device", "cpu", "--no-videos"], debug=False) == 0
    assert "psnr: clips left out since they equal their references: generated 1 of 3" in capsys.readouterr().out
    (row,) = read(tmp_path / "t" / "leaderboard.csv")
    assert (row["clips"], row["psnr_frames"], row["psnr_missing"]) == ("3", "40", "20")
