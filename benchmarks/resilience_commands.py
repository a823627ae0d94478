"""The commands that benchmarks/resilience.py tries: their inputs, their processes, and what two runs leave alike."""

import csv
import hashlib
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lia_bench.cli.main import run
from tests.core.videos import encode
from tests.leaderboards.toy_results import ToyResults, write_results

Result = dict[str, str]
"""What a command left: name of a file, or of a part of one, to its content or hash."""


UNLIKE = {"fps", "date", "images_per_second", "data_wait", "peak_memory_mib"}
"""Columns that no two runs have alike."""
MEDIA = re.compile(r"media-[0-9a-f]{8}")
"""The folder of a page's videos, which has a name of its own each time."""
PATIENCE = 600


@dataclass(frozen=True)
class Command:
    """A command under trial.

    Attributes:
        name: of its row.
        words: what is typed; relative paths lie in the folder that it works in.
        result: what it left there, as far as two runs have it alike.
    """

    name: str
    words: tuple[str, ...]
    result: Callable[[Path], Result]


def prepare(inputs: Path) -> list[Command]:
    """Small inputs of every command, and the commands."""
    footage = inputs / "footage"
    footage.mkdir(parents=True)
    rows = ["video_id,start,end,bbox,fps,width,height,partition,person_id"]
    for number, video in enumerate("abcd"):
        encode(footage / f"{video}.mp4", count=40, width=160, height=120)
        partition = "test" if number > 1 else "train"
        rows += [f"{video},{8 * k},{8 * k + 8},10-10-110-110,25,160,120,{partition},p{number}" for k in range(5)]
    (inputs / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    vox = ("preprocess", "vox", "--metadata", str(inputs / "table.csv"), "--footage", str(footage), "--size", "64")
    assert finished(start((*vox, "--workers", "1", "--output", "data/vox-64"), inputs)) == 0
    data = ("--dataset", str(inputs / "data" / "vox-64"))
    settings: tuple[str, ...] = ("schedule.iterations=12", "schedule.checkpoint_every=3", "schedule.log_every=1")
    settings = (*settings, "schedule.picture_every=6", "data.batch_size=2", "data.workers=0")
    few = (word for setting in settings for word in ("--set", setting))
    train = ("train", "lia:demo-64", *data, "--accelerator", "cpu", "--name", "r", *few)
    assert finished(start(train, inputs)) == 0
    models = f"lia@{inputs / 'runs' / 'lia' / 'r' / 'checkpoints' / '00000012'}"
    small = ("--metrics", "l1,psnr,ssim", "--device", "cpu", "--limit", "6", "--pairs", "3")
    evaluate = ("evaluate", "--models", models, *data, "--name", "r", *small)
    toy = ToyResults(clips=60, models=("lia", "fomm", "identity"), frames=4, different_videos=3)
    write_results(inputs / "toy", toy)
    html = ("leaderboard", "html", str(inputs / "toy"), "--output", "page")
    return [
        Command("preprocess vox", (*vox, "--workers", "2", "--output", "out"), lambda folder: prepared(folder / "out")),
        Command("train", train, lambda folder: trained(folder / "runs" / "lia" / "r")),
        Command("evaluate", evaluate, lambda folder: evaluated(folder / "results" / "r")),
        Command("leaderboard html", html, lambda folder: shown(folder / "page")),
    ]


def prepared(folder: Path) -> Result:
    """The clips of a dataset and their table."""
    found = hashes(folder, "clips.csv", "train/*", "test/*", "*/.*")
    return found | {"hash": json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["hash"]}


def trained(folder: Path) -> Result:
    """The weights of all checkpoints, and the losses of every step."""
    found = hashes(folder, "checkpoints/*/model.safetensors", ".*.partial*", "checkpoints/.*")
    return found | {"metrics.csv": alike(folder / "metrics.csv")}


def evaluated(folder: Path) -> Result:
    """The tables without speeds and dates, and the videos."""
    tables = {name: alike(folder / name) for name in ("leaderboard.csv", "per_clip.csv")}
    return tables | hashes(folder, "videos/**/*.mp4", "videos/**/*.png", "unfinished-*", "videos/**/.*")


def shown(folder: Path) -> Result:
    """The page without its date, and what stands beside it."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", MEDIA.sub("media", text))
    found = hashes(folder, "**/*.mp4", "**/*.png", "**/.*.partial*")
    return {MEDIA.sub("media", name): value for name, value in found.items()} | {
        "index.html": hashlib.sha256(page.encode()).hexdigest()
    }


def hashes(folder: Path, *patterns: str) -> Result:
    """Files of a folder by some patterns, each with its SHA-256."""
    files = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def alike(table: Path) -> str:
    """A table without the columns that no two runs have alike."""
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    return json.dumps([{name: cell for name, cell in row.items() if name not in UNLIKE} for row in rows])


def start(words: tuple[str, ...], folder: Path) -> int:
    """Run a command in a process of its own that works in a folder; returns its id. It writes to `<folder>.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return process
    code = 99
    try:
        os.setsid()
        log = os.open(f"{folder}.{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(folder)
        code = run(list(words), False)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def said(process: int, folder: Path) -> str:
    """All that a process printed."""
    return Path(f"{folder}.{process}.log").read_text(encoding="utf-8", errors="replace")


def finished(process: int, seconds: float = PATIENCE) -> int | None:
    """The exit code of a process that ends within some seconds; None of one that goes on."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def kill(process: int) -> None:
    """End a process at once; its workers notice by themselves."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
