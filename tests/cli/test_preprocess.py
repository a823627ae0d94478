"""`lia-bench preprocess` as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from lia_bench.cli.main import main
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.video import open_video
from tests.conftest import golden
from tests.core.videos import encode
from tests.deterministic import difference

HEADER = "video_id,start,end,bbox,fps,width,height,partition,person_id\n"


def _run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def test_help_lists_the_datasets_and_loads_nothing_heavy(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("preprocess", "--help") == 0
    listed = capsys.readouterr().out
    assert "vox" in listed
    assert "lia-bench preprocess vox --footage" in listed
    heavy = "torch,av,decord,pandas,skimage,scipy,PIL"
    program = (
        "import sys\nfrom lia_bench.cli.main import run\n"
        "run(['preprocess', '--help'], False); run(['preprocess', 'vox', '--help'], False)\n"
        f"sys.exit(' '.join(set('{heavy}'.split(',')) & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mistyped_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("preprocess", "vocks") == 1
    assert capsys.readouterr().err == "error: unknown dataset 'vocks': did you mean 'vox'?\n"


def test_clips_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    encode(Path("videos/a.mp4"), count=10)
    Path("table.csv").write_text(HEADER + "a,0,4,0-0-64-64,25,96,64,train,p\n")
    words = ("preprocess", "vox", "--footage", "videos", "--metadata", "table.csv", "--size", "64", "--workers", "1")
    assert _run(*words) == 0
    assert "clips: 1 (1 train), 4 frames, in data/vox-64" in capsys.readouterr().out
    assert len(open_dataset("vox", size=64).partition("train")) == 1
    with Path("table.csv").open("a") as table:
        table.write("b,0,4,0-0-64-64,25,96,64,train,p\n")
    assert _run(*words) == 1
    error = capsys.readouterr().err
    assert "unavailable: b, 1 row: missing_video: there is no b.mp4 in the footage folder" in error
    assert error.splitlines()[-1].startswith("error: 1 of 2 clips were not cut")
    assert len(open_dataset("vox", size=64).partition("train")) == 1


@pytest.mark.parametrize(
    ("footage", "table", "reason"),
    [
        ("gone", "table.csv", "error: gone: no such footage folder"),
        ("videos", "gone.csv", "error: gone.csv: no such metadata file"),
        ("videos", "other.csv", "error: other.csv: the column 'bbox' is missing"),
    ],
)
def test_bad_input_is_one_line(
    footage: str,
    table: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    Path("table.csv").write_text(HEADER + "a,0,4,0-0-64-64,25,96,64,train,p\n")
    Path("other.csv").write_text(HEADER.replace("bbox", "bboxes") + "a,0,4,0-0-64-64,25,96,64,train,p\n")
    assert _run("preprocess", "vox", "--footage", footage, "--metadata", table) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(reason)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["vox", "vox-metadata-min96", "vox-metadata-resampled", "vox-metadata-broken", "tai"])
def test_real_footage_gives_the_published_crops(
    table: str, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every frame of every good clip against what the published code makes of it."""
    name = f"raw-{table if '-' in table else table + '-metadata'}.csv"
    footage, metadata = real_data / "raw/videos", real_data / "raw/metadata" / name
    words = ("--footage", footage, "--metadata", metadata, "--output", tmp_path, "--format", "png", "--workers", "2")
    assert _run("preprocess", "vox", *words) == (1 if "broken" in table else 0)
    expected = {clip["output"]: clip for clip in golden("preprocess")["raw_crops"]["clips"] if clip["metadata"] == name}
    made = {f"{clip.partition}/{clip.name}.mp4": clip for clip in open_dataset(tmp_path).clips}
    assert made.keys() == expected.keys()
    for output, clip in expected.items():
        with open_video(made[output].path) as reader:
            means = [float(frame.mean()) for frame in reader]
            assert means == pytest.approx(clip["frame_mean"], abs=1e-4)
            for index, summary in clip["picked"].items():
                assert difference(reader.frame(int(index)), summary) == 0
    if "broken" in table:
        error = capsys.readouterr().err
        for video in ("raw-bad-001", "raw-bad-002", "raw-bad-003", "raw-bad-004", "raw-gone-001"):
            assert sum(line.split(": ")[1].startswith(video) for line in error.splitlines() if ": " in line) == 1
