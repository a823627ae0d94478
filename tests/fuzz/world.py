"""A folder with one small file of every kind that lia-bench reads, made by its own commands where they write such."""

import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from lia_bench.cli.main import run
from lia_bench.core.video import write_png_folder
from lia_bench.core.weights import WEIGHTS
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.leaderboards.study.answers import DATABASE
from tests.core.videos import animation, encode, moving_picture
from tests.leaderboards.test_study import answer_all, study_of
from tests.leaderboards.toy_results import ToyResults, write_results
from tests.models.layout_files import small_content
from tests.preprocessing.prepared import describe, good_row, lost_row

SMALL = ("model.style_dim=32", "model.motion_dim=4", "model.channel_base=256", "model.channel_limit=16")
"""Settings of the smallest LIA, whose weights are 200 KiB."""
RUN = "runs/lia/small"
CHECKPOINT = f"{RUN}/checkpoints/00000002"
LAYOUTS = ("fomm", "fvv", "iapm", "lia", "monkeynet", "mraa", "x2face")
"""Models whose authors publish one file of named networks."""
TRAIN = "--accelerator cpu --set data.workers=0 --set data.batch_size=1"
EVALUATE = "--dataset data/own --task reconstruction --metrics l1,psnr --device cpu --batch-size 4 --name again"

EXPERIMENT = """title: what an own file says
published: {paper: lia, table: "5"}
rows:
  - {name: small, model: lia, variant: M=5, settings: {motion.directions: 4}}
  - {name: floor, model: identity}
common: {datasets: [own], metrics: [l1, psnr], max_frames: 2}
parts:
  - {task: reconstruction, source_frame: skipped}
  - {task: cross, pairs: {file: pairs.csv}, transfer: relative}
"""

VOX = "video_id,start,end,bbox,fps,width,height,partition,person_id\n"
ANNOTATION = (
    "Identity  : \tid10271\nReference : \ta\nOffset    : \t0\nFV Conf   : \t20.0\t(1)\nASD Conf  : \t5.0\n\n"
    "FRAME \tX \tY \tW \tH \n"
)


def quietly(words: str) -> None:
    """Run a command that has to succeed."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run(words.split(), debug=False)
    assert code == 0, f"{words}: {said.getvalue()}"


def build_world(folder: Path, inside: Callable[[Path], object]) -> None:
    """Fill a folder; `inside`: makes it the working directory."""
    folder.mkdir(parents=True, exist_ok=True)
    inside(folder)
    _videos(folder)
    _datasets(folder)
    _tables(folder)
    _runs(folder)
    _results(folder)
    _weights(folder)


def _videos(folder: Path) -> None:
    encode(folder / "clip.mp4", count=5, width=64, height=64)
    encode(folder / "clip.mkv", count=5, width=64, height=64)
    encode(folder / "clip.avi", count=5, codec="mpeg4", width=64, height=64)
    animation(folder / "clip.gif", [40, 40, 40])
    animation(folder / "clip.webp", [40, 40, 40])
    write_png_folder(folder / "frames" / "moving", moving_picture(3, 64, 64))
    (picture,) = (Image.fromarray(frame) for frame in moving_picture(1, 64, 64))
    for name in ("face.png", "face.jpg", "face.bmp", "face.tif", "face.webp"):
        picture.save(folder / name)
    Image.fromarray(next(moving_picture(1, 192, 64))).save(folder / "strip.png")
    for place in ("squares/mine.mp4", "squares/other.mp4", "footage/a.mp4", "footage/b.mp4"):
        (folder / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / "clip.mp4", folder / place)
    for partition, name in (("train", "cat"), ("test", "dog")):
        (folder / "moving-gif" / partition).mkdir(parents=True)
        shutil.copyfile(folder / "clip.gif", folder / "moving-gif" / partition / f"{name}.gif")
    (folder / "pictures").mkdir()
    shutil.copyfile(folder / "face.jpg", folder / "pictures" / "face.jpg")
    (folder / "lying" / "test").mkdir(parents=True)
    for name, other in (("clip.mp4", "clip.mp4"), ("strip.png", "strip.png"), ("clip.gif", "moving.gif")):
        shutil.copyfile(folder / name, folder / "lying" / "test" / other)
    shutil.copyfile(folder / "face.png", folder / "frames" / "0000001.png")
    (folder / "generated").mkdir()
    shutil.copyfile(folder / "clip.mp4", folder / "generated" / "clip.mp4")


def _datasets(folder: Path) -> None:
    own = folder / "data" / "own"
    rows = [
        good_row(own, "p#a#0"),
        good_row(own, "q#b#0", "test"),
        good_row(own, "r#b#0", "test"),
        lost_row("p#a#9", "dropped", "duplicate_row: the row says the same as line 2"),
    ]
    describe(own, rows)
    shutil.copytree(own / "test", folder / "data" / "same")
    pictured = folder / "data" / "pictured"
    describe(pictured, [good_row(pictured, name, "test", clip_format="png", frames=3) for name in ("s#a#0", "t#a#0")])
    quietly(f"datasets pack {own} --output {folder / 'data' / 'packed'} --workers 1")
    written_before = Path(__file__).parents[1] / "preprocessing" / "written_before"
    for name in ("shard-1", "shard-2"):
        shutil.copytree(written_before / name, folder / "shards" / name)
    (folder / "common.txt").write_text("test/q#b#0\ntest/r#b#0\n", encoding="utf-8")
    (folder / "pairs.csv").write_text("source,driving,frame\nq#b#0,r#b#0,1\n", encoding="utf-8")
    (folder / "listed.csv").write_text("source,driving,generated\nface,clip,clip\n", encoding="utf-8")
    (folder / "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")


def _weights(folder: Path) -> None:
    from lia_bench.metrics.networks.openface import OpenFace

    place = folder / "home" / "weights" / WEIGHTS["openface"].file_name
    place.parent.mkdir(parents=True)
    torch.save(OpenFace().state_dict(), place)
    (place.parent / WEIGHTS["blazeface"].file_name).write_bytes(b"no network")
    (folder / "vgg19-dcbb9e9d.pth").write_bytes(bytes(1000))


def _tables(folder: Path) -> None:
    rows = "a,0,2,0-0-64-64,25,64,64,train,p\nb,1,3,8-0-64-56,25,64,64,test,q\n"
    (folder / "vox.csv").write_text(VOX + rows, encoding="utf-8")
    (folder / "taichi.csv").write_text(VOX.replace(",person_id", "") + rows.replace(",p\n", "\n").replace(",q\n", "\n"))
    (folder / "ted.csv").write_text(VOX + rows, encoding="utf-8")
    place = folder / "annotations" / "id10271" / "a"
    place.mkdir(parents=True)
    lines = [f"00000{number} \t12 \t12 \t40 \t40 \n" for number in range(5)]
    (place / "00001.txt").write_text(ANNOTATION + "".join(lines), encoding="utf-8")
    (folder / "fashion").mkdir()
    for name in ("91aaa", "91bbb"):
        shutil.copyfile(folder / "clip.mp4", folder / "fashion" / f"{name}.mp4")
    (folder / "fashion" / "fashion_test.txt").write_text("https://example.org/images/I/91bbb.mp4\n", encoding="utf-8")
    part = folder / "dfdc" / "dfdc_train_part_0"
    part.mkdir(parents=True)
    shutil.copyfile(folder / "clip.mp4", part / "aa.mp4")
    (part / "metadata.json").write_text(json.dumps({"aa.mp4": {"label": "REAL", "split": "train"}}), encoding="utf-8")
    (folder / "test-list.txt").write_text("mine\n", encoding="utf-8")


def _results(folder: Path) -> None:
    toy = write_results(folder / "results" / "toy", ToyResults(clips=2, frames=3, models=("lia", "fomm", "identity")))
    study_of(toy, folder / "study")
    answer_all(folder / "study", "ann", "lia")
    assert (folder / "study" / DATABASE).is_file()
    quietly(f"evaluate --models lia@{RUN} {EVALUATE.replace('again', 'own')} --no-videos")
    _interrupt(folder / "results" / "own")


def _interrupt(results: Path) -> None:
    """Have an evaluation look as if it had been killed after its last clip."""
    report = ReportFile(results)
    entry = report.content.runs[0].clips.pop()
    report.save()
    report.add_clip(0, entry)


def _runs(folder: Path) -> None:
    settings = " ".join(f"--set {setting}" for setting in SMALL)
    schedule = "--set schedule.iterations=2 --set schedule.checkpoint_every=2 --set schedule.picture_every=2"
    quietly(f"train lia:demo-64 --dataset data/own --name small {settings} {schedule} {TRAIN}")
    shutil.copytree(folder / CHECKPOINT, folder / "shared")
    (folder / "shared" / "training.pt").unlink()
    layers = {}
    for setting in SMALL:
        key, _, value = setting.removeprefix("model.").partition("=")
        layers[key] = int(value)
    (folder / "settings.yaml").write_text(
        "# of the smallest LIA\nmodel:\n" + "".join(f"  {key}: {value}\n" for key, value in layers.items())
        + "schedule:\n  iterations: 2\n  checkpoint_every: 2\ndata:\n  batch_size: 1\n  workers: 0\n",
        encoding="utf-8",
    )  # fmt: skip
    authors = folder / "authors"
    authors.mkdir()
    for name in LAYOUTS:
        torch.save({**small_content(name), "epoch": 3}, authors / f"{name}.pth.tar")
    torch.save(small_content("lia"), authors / "old.pt", _use_new_zipfile_serialization=False)
    flat = {
        f"{network}.{entry}": value.contiguous()
        for network, part in small_content("fomm").items()
        for entry, value in part.items()
    }
    save_file(flat, authors / "fomm.safetensors")
