"""A person's own videos become a dataset, a model, a table and an animation, each command with its plain arguments."""

import csv
import shutil
from itertools import islice
from pathlib import Path

import pytest

import lia_bench
from lia_bench.cli.main import run
from lia_bench.core.video import open_indexed, write_video
from lia_bench.preprocessing import options
from tests.preprocessing.serial_engine import SerialEngine

VIDEOS = ("driving1.mp4", "driving2.mp4", "driving3.mov", "obama.mov")
FEW = "--set schedule.iterations=20 --set schedule.log_every=5 --set data.workers=0"


def lia_bench_runs(line: str) -> bool:
    return run(line.split(), debug=False) == 0


@pytest.mark.slow
def test_from_four_videos_to_a_video(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    # Its own processes would take longer to start than to work.
    monkeypatch.setattr(options, "make_engine", lambda *_: SerialEngine())
    assert lia_bench_runs(f"weights add {real_data}/weights/face_landmarker.task")
    assert lia_bench_runs(f"weights add {real_data}/weights/face_detector.tflite --as blazeface")
    for name in VIDEOS:
        with open_indexed(real_data / "real" / "vox" / name) as reader:
            write_video(Path("own", name).with_suffix(".mp4"), islice(reader, 64), reader.properties.fps)
    shutil.copy(real_data / "real" / "vox" / "taylor.png", "me.png")

    assert lia_bench_runs("preprocess folder --footage own --size 64")
    assert lia_bench_runs(f"train lia:demo-64 --dataset folder {FEW}")
    # The AKD of the literature takes a network that is not among the test data.
    assert lia_bench_runs("evaluate --models lia --metrics l1,akd_mediapipe_face")
    assert lia_bench_runs("animate lia --source me.png --driving own/driving2.mp4")

    with Path("data/folder-64/clips.csv").open(encoding="utf-8") as file:
        kept = [row["partition"] for row in csv.DictReader(file) if row["status"] == "ok"]
    assert len(kept) >= 4
    assert {"train", "test"} <= set(kept)
    with Path("runs/lia/demo-64-folder/metrics.csv").open(encoding="utf-8") as file:
        losses = [float(row["l1"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.9 * losses[0]
    table = lia_bench.read_results("results").table()
    assert set(table["task"]) == {"reconstruction"}
    assert table.set_index("model")["akd_mediapipe_face"]["identity"] > 0
    frames, fps = lia_bench.read_video("me-driving2-lia.mp4")
    assert (frames.shape, fps) == ((64, 64, 64, 3), 25)
