"""Runs what README.md and docs/ show, as it is printed: `python -m benchmarks.docs --weights FOLDER`, in the checkout.

A page has a folder of its own with what its blocks take to be there: the drawn sample dataset at two sizes, two
runs of two iterations, results, and pictures and videos of a face, scikit-image's astronaut (NASA, public domain).
Checkpoints of authors are stood in for by untrained weights in their layout, as the comments before the blocks say
(`tests/pages.py`). A block that is not marked and cannot be run fails the check.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from skimage import data

import lia_bench
from lia_bench.core.errors import LiaBenchError
from lia_bench.core.video import resize, write_video
from lia_bench.core.video.reader import Frame
from tests.pages import PROGRAMS, Block, blocks, pages

SECONDS = 1800
"""Of one block."""
MEDIAPIPE = {"face_landmarker.task": "face-landmarker", "face_detector.tflite": "blazeface"}
FACE = (180, 30, 300, 150)
"""Left, top, right and bottom of the astronaut's head in her picture of 512 pixels."""


@click.command()
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="Folder of MediaPipe's two files.")
@click.option("--page", "wanted", multiple=True, help="Only pages whose path holds this.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work, kept.  [default: a temporary one]")
def main(weights: Path, wanted: tuple[str, ...], folder: Path | None) -> None:
    """Print a line for every block, and fail where one fails."""
    found = [block for page in pages() for block in blocks(page) if block.language in PROGRAMS]
    chosen = [block for block in found if not wanted or any(one in str(block.page) for one in wanted)]
    with tempfile.TemporaryDirectory() as name:
        work = (folder or Path(name)).resolve()
        common = prepare(work, weights.resolve())
        failed = [block for block in chosen if not is_good(block, work, common)]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(chosen)} blocks do not work")
    print(f"{len(chosen)} blocks, {sum(not block.not_run for block in chosen)} of them run")


def is_good(block: Block, work: Path, common: Path) -> bool:
    """Run a block; whether it worked, or is marked as one that is not run."""
    where = f"{block.page}:{block.line}"
    if block.not_run:
        print(f"{where}: not run: {block.not_run}", flush=True)
        return True
    place = work / "pages" / block.page.with_suffix("")
    if not place.is_dir():
        shutil.copytree(common, place, symlinks=True)
    if block.given.get("folder") == "new":
        for name in ("data", "runs", "results"):
            shutil.rmtree(place / name, ignore_errors=True)
    began = time.monotonic()
    try:
        for name, value in block.given.items():
            if name not in ("size", "folder", "model"):
                model, _, variant = value.partition(":")
                stand_in(place / name, model, variant or None)
        script = block.text if block.language == "sh" else "\n".join([*prelude(block), block.text])
        words = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*words, script], cwd=place, env=environment(work), capture_output=True, text=True, timeout=SECONDS
        )
    except (subprocess.TimeoutExpired, LiaBenchError) as error:
        print(f"{where}: FAILED: {error}", flush=True)
        return False
    print(f"{where}: {'FAILED' if done.returncode else 'run'}, {time.monotonic() - began:.0f} s", flush=True)
    if done.returncode:
        print("\n".join([*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-12:]]), flush=True)
    return not done.returncode


def prelude(block: Block) -> Iterator[str]:
    """What stands before a block of Python: frames, and the model where it is given."""
    size = block.given.get("size", "256")
    yield "import torch, lia_bench\nfrom pathlib import Path"
    yield f"source, driving, others = torch.rand(3, {size}, {size}), *torch.rand(2, 2, 3, {size}, {size})"
    yield "video = driving"
    if "model" in block.given:
        model, _, variant = block.given["model"].partition(":")
        yield f"model = lia_bench.load_model({model!r}, 'untrained', {variant or None!r}, 'cpu')"


def stand_in(path: Path, model: str, variant: str | None) -> None:
    """Untrained weights in the layout of a model's authors, where there are none yet."""
    if path.exists():
        return
    own = path.with_name(f"{path.name}.own")
    lia_bench.load_model(model, "untrained", variant, "cpu").save_pretrained(own)
    words = ["models", "convert", f"{model}@{own}", str(path), "--to", "authors"]
    subprocess.run([sys.executable, "-m", "lia_bench", *words], check=True, capture_output=True)


def environment(work: Path) -> dict[str, str]:
    """Of a block: the command on the path, weights of its own, no more threads than the machine has room for."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": programs, "LIA_BENCH_HOME": str(work / "home"), "OMP_NUM_THREADS": "1"}


def prepare(work: Path, weights: Path) -> Path:
    """The folder that every page gets a copy of."""
    place = work / "common"
    os.environ |= environment(work)
    if (place / "results").is_dir():
        return place
    place.mkdir(parents=True, exist_ok=True)
    for file, name in MEDIAPIPE.items():
        words = ["weights", "add", str(weights / file), "--as", name]
        subprocess.run([sys.executable, "-m", "lia_bench", *words], check=True, stdout=subprocess.DEVNULL)
    portraits(place)
    data_folder, short = place / "data", {"schedule.iterations": 2}
    lia_bench.preprocess("sample", output=data_folder / "sample-64")
    lia_bench.preprocess("sample", size=256, identities=4, frames=12, output=data_folder / "vox-256")
    for model in ("lia", "fomm"):
        lia_bench.train(f"{model}:demo-64", "sample", settings=short, data=data_folder, runs=place / "runs")
    for results in (place / "results", work / "pages" / "docs" / "other" / "results"):
        lia_bench.evaluate("identity", data_folder / "vox-256", name="vox-256", results=results)
    return place


def portraits(place: Path) -> None:
    """Pictures, and videos of 80 frames in which a face moves, crops and wide ones."""
    from PIL import Image

    picture = data.astronaut()
    for name in ("selfie.jpg", "portrait.png", "me.png", "left.png", "right.png", "source/talk.png"):
        (place / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(place / name)
    for name in ("me.mp4", "talk.mp4", "driving/talk.mp4", "fomm/talk.mp4"):
        write_video(place / name, moving(picture, 256, 256, 12), 25)
    for name in ("anything/one.mp4", "anything/two.mp4", *(f"own/film{number}.mp4" for number in range(1, 5))):
        write_video(place / name, moving(picture, 960, 540, 80), 25)


def moving(picture: Frame, width: int, height: int, frames: int) -> Iterator[Frame]:
    """The astronaut's head in the middle third of frames that drift by a few pixels."""
    left, top, right, bottom = FACE
    side = bottom - top
    for index in range(frames):
        shift = round(6 * np.sin(index / 8))
        across = round(3 * side * width / height / 2)
        middle = (left + right) // 2 + shift
        part = picture[max(top - side // 2, 0) : bottom + 3 * side // 2, max(middle - across, 0) : middle + across]
        yield resize(np.ascontiguousarray(part), (height, width))


if __name__ == "__main__":
    main()
