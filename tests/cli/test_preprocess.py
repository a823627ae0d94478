"""`lia-bench preprocess` as a user types it."""

import csv
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from lia_bench.cli.main import main
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.video import open_video
from lia_bench.preprocessing.boxes import Box, overlap
from lia_bench.preprocessing.clip_table import parse_box
from lia_bench.preprocessing.download import options
from lia_bench.preprocessing.download.fetcher import DownloadOptions
from lia_bench.preprocessing.specification import DATASETS
from tests.conftest import golden
from tests.core.videos import encode
from tests.deterministic import difference
from tests.local_server import serve
from tests.preprocessing.detectors import install_real

PREPARED = Path(__file__).parents[1] / "preprocessing" / "written_before" / "whole"
HEADER = "video_id,start,end,bbox,fps,width,height,partition,person_id\n"


def _run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def test_help_and_lists_load_nothing_heavy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("preprocess", "--help") == 0
    listed = capsys.readouterr().out
    assert "vox" in listed
    assert "lia-bench preprocess vox --footage" in listed
    prepared = shutil.copytree(PREPARED, tmp_path / "data" / "vox-4")
    commands = [
        ["preprocess", "--help"],
        *(["preprocess", name, "--help"] for name in DATASETS),
        *(["datasets", name, "--help"] for name in ("list", "show", "verify", "merge", "pack", "common")),
        ["datasets", "--help"],
        ["datasets", "list", "--data", str(prepared.parent)],
        ["datasets", "show", str(prepared)],
    ]
    heavy = "torch,torchvision,torchmetrics,av,decord,pandas,skimage,scipy,PIL,cv2,mediapipe,matplotlib,yt_dlp,ray"
    program = (
        "import sys\nfrom lia_bench.cli.main import run\n"
        f"failed = [words for words in {commands!r} if run(words, False) != 0]\n"
        f"sys.exit(' '.join([*map(str, failed), *(set('{heavy}'.split(',')) & set(sys.modules))]) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "43734cff7d67" in done.stdout


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
            # Means have four decimals; single precision moves a few pixels of a frame by one level.
            assert means == pytest.approx(clip["frame_mean"], abs=5e-4)
            for index, summary in clip["picked"].items():
                assert difference(reader.frame(int(index)), summary) == 0
    if "broken" in table:
        error = capsys.readouterr().err
        for video in ("raw-bad-001", "raw-bad-002", "raw-bad-003", "raw-bad-004", "raw-gone-001"):
            assert sum(line.split(": ")[1].startswith(video) for line in error.splitlines() if ": " in line) == 1


ROWS = {
    "vox": [
        ("id10005#raw-vox-002#00001#000", 0, 140, Box(62, 75, 394, 407)),
        ("id10005#raw-vox-002#00001#001", 140, 300, Box(396, 96, 710, 410)),
        ("id10271#raw-vox-001#00001#000", 10, 210, Box(286, 45, 601, 361)),
        ("id10300#raw-vox-003#00001#001", 32, 108, Box(107, 111, 304, 309)),
    ],
    "vox2": [("id00017#raw-vox-001#00001#000", 10, 210, Box(286, 45, 601, 361))],
}
"""What the published rules give for the true boxes of the raw footage, with min_size 96."""


@pytest.mark.slow
@pytest.mark.parametrize(("annotations", "rows"), [("txt", "vox"), ("txt_vox2", "vox2")])
def test_annotated_faces_are_found_where_they_are(annotations: str, rows: str, real_data: Path, tmp_path: Path) -> None:
    install_real("blazeface", real_data)
    footage = ("--footage", real_data / "raw/videos", "--annotations", real_data / "raw" / annotations)
    options = ("--detector", "mediapipe", "--min-size", "96", "--size", "64", "--workers", "2", "--output", tmp_path)
    assert _run("preprocess", "vox", *footage, *options) == 0
    with (tmp_path / "clips.csv").open(newline="") as file:
        found = {row["clip"]: row for row in csv.DictReader(file) if row["status"] == "ok"}
    assert sorted(found) == sorted(clip for clip, *_ in ROWS[rows])
    for clip, start, end, box in ROWS[rows]:
        row = found[clip]
        assert (int(row["start"]), int(row["end"]), int(row["frames"])) == (start, end, end - start)
        assert overlap(parse_box(row["bbox"]), box) > 0.8
    assert {row["partition"] for row in found.values()} == ({"train", "test"} if rows == "vox" else {"test"})


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("vox", "--footage", "videos", "--shard", "4/3"), "'4/3' is no share of the work"),
        (("vox", "--footage", "videos", "--annotations", "gone"), "gone: no such folder of annotation files"),
        (("ted", "--footage", "videos", "--metadata", "zero.csv"), "start = end in all 1 rows"),
        (("taichi", "--footage", "gone", "--metadata", "table.csv"), "gone: no such footage folder"),
        (("taichi", "--footage", "videos", "--search", "--download"), "--search takes the videos that are there"),
        (("taichi", "--footage", "videos", "--search", "--metadata", "table.csv"), "--metadata or --search, not both"),
        (
            ("vox", "--footage", "videos", "--annotations", "txt", "--metadata", "table.csv"),
            "--metadata or --annotations",
        ),
        (("ted", "--footage", "videos", "--whole-clips", "--download"), "--download fetches whole talks"),
        (("ted", "--footage", "videos", "--metadata", "zero.csv", "--download"), "start = end in all 1 rows"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    words: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    encode(Path("videos/a.mp4"), count=4)
    Path("table.csv").write_text(HEADER + "a,0,4,0-0-64-64,25,96,64,train,p\n")
    Path("zero.csv").write_text(HEADER + "a#0#4,0,0,0-0-64-64,25,96,64,train,p\n")
    assert _run("preprocess", *words) != 0
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert reason in error


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("vox --min-size 96", "--min-size counts only with --annotations"),
        ("vox --device cuda", "--device counts only with --annotations"),
        ("taichi --detector keypoint-rcnn", "--detector counts only with --search"),
        ("taichi --test-videos list.txt", "--test-videos counts only with --search"),
        ("ted --address http://x/{video_id}", "--address counts only with --download"),
        ("folder --whole-frames --min-frames 9", "--min-frames does not count with --whole-frames"),
        ("folder --test-list list.txt --test-share 0.5", "--test-share does not count with --test-list"),
        ("portraits --aligned --increase 0.2", "--increase does not count with --aligned"),
        ("mgif --ray auto --workers 3", "--workers does not count with --ray"),
    ],
)
def test_options_that_nothing_would_come_of(words: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("preprocess", *words.split(), "--footage", "videos") == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {reason}"


def test_whole_clips_of_a_table_without_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("squares").mkdir()
    encode(Path("squares/a#000010#000022.mp4"), count=12)
    Path("zero.csv").write_text(HEADER + "a#000010#000022,0,0,10-0-74-64,10,96,64,train,\n")
    words = ("--footage", "squares", "--metadata", "zero.csv", "--size", "64", "--workers", "1")
    assert _run("preprocess", "ted", *words, "--whole-clips") == 0
    assert "clips: 1 (1 train), 12 frames, in data/ted-64" in capsys.readouterr().out


def test_a_whole_talk_is_no_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("squares").mkdir()
    for name in ("a", "b#000010#000022", "whole"):
        encode(Path(f"squares/{name}.mp4"), count=12)
    names = ("a#000010#000022", "b#000010#000022", "whole", "nowhere#000010#000022")
    rows = (f"{name},0,0,10-0-74-64,10,96,64,train,\n" for name in names)
    Path("zero.csv").write_text(HEADER + "".join(rows))
    words = ("--footage", "squares", "--metadata", "zero.csv", "--size", "64", "--workers", "1", "--output", "out")
    assert _run("preprocess", "ted", *words, "--whole-clips") == 1
    with Path("out/clips.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["unavailable", "ok", "ok", "unavailable"]
    printed = capsys.readouterr().err
    for name in (names[0], names[-1]):
        assert f"missing_clip: there is no {name}.mp4 in the footage folder" in printed


def test_a_person_of_the_test_set_is_tested_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the published table has it: rows of id10282 for training, the same ones later for testing."""
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    encode(Path("videos/a.mp4"), count=12)
    encode(Path("videos/b.mp4"), count=12)
    box = "0-0-64-64,25,96,64"
    rows = [f"a,0,4,{box},train,id10282", f"b,0,4,{box},train,id10001"]
    rows += [f"a,{start},{start + 4},{box},test,id10282" for start in (0, 8)] + [f"b,4,8,{box},test,id10282"]
    Path("table.csv").write_text(HEADER + "\n".join(rows))
    words = ("--footage", "videos", "--metadata", "table.csv", "--size", "64", "--workers", "1", "--output", "out")
    assert _run("preprocess", "vox", *words) == 0
    with Path("out/clips.csv").open(newline="") as file:
        found = [(row["person_id"], row["partition"], row["status"]) for row in csv.DictReader(file)]
    assert found == [
        ("id10282", "test", "ok"),
        ("id10001", "train", "ok"),
        ("id10282", "test", "dropped"),
        ("id10282", "test", "ok"),
        ("id10282", "test", "ok"),
    ]


def test_shards_merge_into_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    rows = []
    for video in "abc":
        encode(Path(f"videos/{video}.mp4"), count=20)
        rows += [f"{video},{start},{start + 4},0-0-64-64,25,96,64,train,p\n" for start in (8, 0)]
    Path("table.csv").write_text(HEADER + "".join(rows[::2] + rows[1::2]))
    words = ("preprocess", "vox", "--footage", "videos", "--metadata", "table.csv", "--size", "64", "--workers", "1")
    assert _run(*words) == 0
    for number in (1, 2):
        assert _run(*words, "--shard", f"{number}/2") == 0
    shards = sorted(Path("data").glob("vox-64-shard-*-of-2"))
    assert _run("datasets", "merge", *shards, "--output", "merged") == 0
    assert Path("merged/clips.csv").read_bytes() == Path("data/vox-64/clips.csv").read_bytes()
    assert _run("datasets", "verify", "merged") == 0


def test_nothing_is_written_outside_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos in here").mkdir()
    names = ["a b", "ü日本", "-x", "a..b", "100%"]
    for name in names:
        encode(Path(f"videos in here/{name}.mp4"), count=4)
    encode(Path("outside.mp4"), count=4)
    cells = [*names, "a b#1", "../outside", "..", "/etc/passwd", "videos in here/../../outside"]
    Path("table.csv").write_text(HEADER + "".join(f"{cell},0,4,0-0-64-64,25,96,64,train,../p\n" for cell in cells[:1]))
    with Path("table.csv").open("a") as table:
        table.writelines(f"{cell},0,4,0-0-64-64,25,96,64,train,p\n" for cell in cells)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    words = ("--footage", "videos in here", "--metadata", "table.csv", "--size", "64", "--workers", "1")
    assert _run("preprocess", "vox", *words, "--output", "out") == 1
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(tmp_path / "out") for path in written)
    with Path("out/clips.csv").open(newline="") as file:
        statuses = [(row["video_id"], row["status"]) for row in csv.DictReader(file)]
    assert statuses == [("a b", "failed"), *((cell, "ok") for cell in cells[:6]), *((c, "failed") for c in cells[6:])]


@pytest.mark.slow
def test_taichi_by_a_table_of_real_footage(real_data: Path, tmp_path: Path) -> None:
    raw = real_data / "raw"
    table = ("--footage", raw / "videos", "--metadata", raw / "metadata/raw-tai-metadata.csv")
    assert _run("preprocess", "taichi", *table, "--output", tmp_path, "--size", "64", "--workers", "2") == 0
    assert [clip.name for clip in open_dataset(tmp_path).partition("test")] == [
        "raw-tai-001#000000#000170",
        "raw-tai-001#000170#000320",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["256", "384"])
def test_ted_on_real_clips(size: str, real_data: Path, tmp_path: Path) -> None:
    """Clips in the layout of the published table: named by its ids, boxes measured in a larger square."""
    (tmp_path / "squares").mkdir()
    rows = ["video_id,start,end,bbox,fps,width,height,partition"]
    for number, length in ((1, 160), (2, 130)):
        name = f"talk{number}#000100#{100 + length:06d}"
        (tmp_path / "squares" / f"{name}.mp4").symlink_to(real_data / "real" / "ted" / f"driving{number}.mp4")
        rows.append(f"{name},0,0,0-0-944-944,10.0,944,944,train")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    words = ("--footage", tmp_path / "squares", "--metadata", tmp_path / "table.csv", "--output", tmp_path / "out")
    assert _run("preprocess", "ted", *words, "--size", size, "--workers", "1") == 1
    assert _run("preprocess", "ted", *words, "--size", size, "--workers", "1", "--whole-clips") == 0
    clips = {clip.name: clip for clip in open_dataset(tmp_path / "out").partition("train")}
    assert sorted(clips) == ["000230#000100#talk2#000000#000000", "000260#000100#talk1#000000#000000"]
    with open_video(clips["000230#000100#talk2#000000#000000"].path) as made:
        assert (len(made), made.properties.width, made.properties.height) == (130, int(size), int(size))


def test_what_is_missing_is_fetched_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    video = encode(tmp_path / "whole.mp4", count=8).read_bytes()
    Path("table.csv").write_text(
        HEADER + "there,0,4,0-0-64-64,25,96,64,train,p\nhere,0,4,0-0-64-64,25,96,64,test,q\n"
        "gone,0,4,0-0-64-64,25,96,64,train,p\n"
    )
    Path("videos").mkdir()
    Path("videos/here.mp4").write_bytes(video)
    with serve() as server:
        server.files["there.mp4"] = video
        address = f"{server.address}/{{video_id}}.mp4"
        words = ("--metadata", "table.csv", "--size", "64", "--workers", "1", "--download", "--address", address)
        assert _run("preprocess", "vox", "--footage", "videos", *words) == 1
    error = capsys.readouterr().err
    assert "videos: 1 fetched, 1 there before, 1 unavailable" in error
    assert "unavailable: gone, 1 row: gone_video: " in error
    assert sorted(path.name for path in Path("videos").glob("*.mp4")) == ["here.mp4", "there.mp4"]


@pytest.mark.parametrize(
    ("recipe", "words", "reason"),
    [
        ("vox", "--metadata table.csv --size 63", "--size 63: H.264 needs an even size"),
        ("taichi", "--metadata table.csv --output table.csv", "table.csv: not a folder"),
        ("ted", "--metadata table.csv --output locked", "locked: another run is preparing this dataset"),
        ("vox", "--annotations txt", "s3fd-619a316812.pth"),
        ("taichi", "--metadata table.csv --output made", "made: holds a dataset of the recipe 'mgif'"),
    ],
)
def test_what_cannot_work_is_said_before_the_download(
    recipe: str,
    words: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("yt_dlp")
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text(HEADER + "a,0,4,0-0-64-64,25,96,64,train,p\n")
    for folder in ("videos", "locked", "made", "txt/id10001/a"):
        Path(folder).mkdir(parents=True)
    encode(Path("videos/b.mp4"), count=4)
    Path("txt/id10001/a/1.txt").touch()
    Path("made/dataset.json").write_text('{"recipe": "mgif"}')
    with serve() as server, FileLock("locked/.lock"):
        server.files["a.mp4"] = Path("videos/b.mp4").read_bytes()
        address = f"{server.address}/{{video_id}}.mp4"
        common = ("--footage", "videos", "--workers", "1", "--download", "--address", address)
        assert _run("preprocess", recipe, *words.split(), *common) == 1
    assert reason in capsys.readouterr().err.splitlines()[-1]
    assert server.requests == []


def test_a_dataset_is_not_replaced_by_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("videos/a", "others/train/b", "others/test/c"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        encode(Path(f"{name}.mp4"), count=4)
    words = ("--output", "out", "--size", "64", "--workers", "1")
    assert _run("preprocess", "folder", "--footage", "videos", "--whole-frames", *words) == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    assert _run("preprocess", "fashion", "--footage", "others", *words) == 1
    assert "out: holds a dataset of the recipe 'folder'" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before
    assert _run("preprocess", "sample", *words) == 1
    assert not Path("out/footage").exists()
    # Other footage by the same recipe: the clips of the first one stay, and are said to be no part of it.
    assert _run("preprocess", "folder", "--footage", "others", "--whole-frames", *words) == 0
    said = "note: out still holds what an earlier run left and clips.csv does not list, 1 in all: train/a.mp4"
    assert said in capsys.readouterr().err.splitlines()
    assert Path("out/train/a.mp4").is_file()


@pytest.mark.parametrize("route", ["table", "annotations"])
def test_jobs_of_an_array_fetch_their_own_share(
    route: str, real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("yt_dlp")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "DownloadOptions", partial(DownloadOptions, pause=0.0))
    install_real("blazeface", real_data)
    video = encode(tmp_path / "whole.mp4", count=8).read_bytes()
    names = ["a", "b", "c", "d"]
    Path("table.csv").write_text(HEADER + "".join(f"{name}#1,0,4,0-0-64-64,25,96,64,train,p\n" for name in names))
    for name in names:
        Path(f"txt/id10001/{name}").mkdir(parents=True)
        lines = [f"{frame}\t10\t10\t40\t40" for frame in range(4)]
        Path(f"txt/id10001/{name}/1.txt").write_text("\n" * 6 + "\n".join(["FRAME\tX\tY\tW\tH", *lines]))
    source = ("--metadata", "table.csv") if route == "table" else ("--annotations", "txt", "--detector", "mediapipe")
    fetched = []
    with serve() as server:
        server.files = {f"{name}.mp4": video for name in names}
        for number in (1, 2):
            words = ("--download", "--address", f"{server.address}/{{video_id}}.mp4", "--shard", f"{number}/2")
            _run("preprocess", "vox", "--footage", "videos", *source, "--size", "64", "--workers", "1", *words)
            fetched.append({path.stem for path in Path("videos").glob("*.mp4")})
    assert fetched == [{"a", "c"}, set(names)]
    with Path("data/vox-64-shard-1-of-2/clips.csv").open(newline="") as file:
        assert {row["video_id"].split("#")[0] for row in csv.DictReader(file)} == {"a", "c"}


def test_the_table_of_the_repository_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    encode(Path("videos/a.mp4"), count=4)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert _run("preprocess", "taichi", "--footage", "videos") == 1
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert "--metadata" in error
    assert "taichi-metadata.csv" in error
