"""What a pair of frames for training costs: `python benchmarks/training_data.py --help`.

One process, one thread, seconds of the processor. The plain form is how pairs were made at first: frames go through
images of Pillow for each change, and their colours are taken apart pair by pair. It reads clips as the present form
does, so that ratios are those of what happens to pixels. All forms take turns, and the best of their rounds counts.
"""

import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np

SIZE, FRAMES, BATCH = 256, 120, 16
JITTER = {"brightness": 0.1, "contrast": 0.1, "saturation": 0.1, "hue": 0.1}
CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "flips and colours (FOMM)": {"time_flip": 0.5, "horizontal_flip": 0.5, "jitter": JITTER},
    "crop 224, flip, one colour (LIA on Tai-Chi)": {
        **{"crop": 224, "horizontal_flip": 0.5, "jitter": JITTER, "jitter_rule": "published"},
    },
}
SOURCES = ("in memory", "packed", "mp4")
TARS, CLIPS_OF_A_TAR, FRAMES_OF_A_CLIP = 80, 250, 200
"""VoxCeleb, simulated: 20,000 clips of 4,000,000 frames."""


@click.command()
@click.argument("clips", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=5, show_default=True)
@click.option("--batches", default=6, show_default=True, help="Of 16 pairs, in a round.")
@click.option("--many", is_flag=True, help="Also start on a packed dataset of VoxCeleb's size, simulated.")
@click.option("--measure", type=click.Path(path_type=Path), hidden=True)
def main(clips: tuple[Path, ...], rounds: int, batches: int, many: bool, measure: Path | None) -> None:
    """Print milliseconds a pair, pairs a second and ratios, as Markdown.

    \b
    Example:
      OMP_NUM_THREADS=1 python benchmarks/training_data.py real/vox/*.mp4 --many
    """
    import torch

    torch.set_num_threads(1)
    if measure is not None:
        print(json.dumps(start_of(measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if clips:
            compare(prepared(clips, Path(folder)), rounds, batches)
        if many:
            print_growth(Path(folder) / "many")


def compare(folders: dict[str, Path], rounds: int, batches: int) -> None:
    """Print the table of sources and changes."""
    forms: dict[tuple[str, str, str], Iterator[Any]] = {}
    for source in SOURCES:
        for change in CHANGES:
            settings = {**CHANGES[change], "cache_megabytes": 8192 if source == "in memory" else 0}
            folder = folders["mp4" if source == "in memory" else source]
            forms[source, change, "now"] = present(folder, settings)
            forms[source, change, "plain"] = plain(folder, settings)
    best = dict.fromkeys(forms, float("inf"))
    for batch in forms.values():
        # Clips that fit into the memory are kept from their second use on.
        list(islice(batch, 4))
    for _ in range(rounds):
        for name, batch in forms.items():
            best[name] = min(best[name], seconds(batch, batches) / batches / BATCH)
    print("| frames | changes | plain, ms a pair | ms a pair | ratio | pairs/s |\n| --- | --- |" + " ---: |" * 4)
    for source in SOURCES:
        for change in CHANGES:
            before, now = (best[source, change, form] for form in ("plain", "now"))
            cells = (
                source,
                change,
                f"{1000 * before:.2f}",
                f"{1000 * now:.2f}",
                f"{before / now:.1f}",
                f"{1 / now:.0f}",
            )
            print(f"| {' | '.join(cells)} |")


def prepared(clips: Sequence[Path], folder: Path) -> dict[str, Path]:
    """The first frames of some clips at 256 pixels as `preprocess` writes them, and packed."""
    from lia_bench.core.video import open_video, resize, sha256_of_video, write_video
    from lia_bench.preprocessing.prepared.tar_files import PackingOptions, pack

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.preprocessing.prepared import describe

    rows = []
    for number, clip in enumerate(clips):
        path = folder / "mp4" / "train" / f"p#{number}#0.mp4"
        with open_video(clip) as reader:
            count = write_video(path, (resize(frame, (SIZE, SIZE)) for frame in islice(reader, FRAMES)), 25)
        place = {"clip": path.stem, "partition": "train", "status": "ok", "frames": count}
        rows.append(place | {"sha256": sha256_of_video(path)})
    pack(describe(folder / "mp4", rows, arguments={"size": SIZE}), folder / "packed", PackingOptions())
    return {"mp4": folder / "mp4", "packed": folder / "packed"}


def pairs_of(folder: Path, settings: dict[str, Any]) -> Any:
    """The trainer's pairs of LIA's variant for VoxCeleb with other changes."""
    from lia_bench.core.prepared_dataset import open_dataset
    from lia_bench.models.loading import load_experiment
    from lia_bench.models.training.pairs import FramePairs

    data = {"batch_size": BATCH, "fill_batch": True, "one_clip_per_identity": False, **settings}
    _, experiment = load_experiment("lia", "vox-256", ({"data": data},))
    return FramePairs(open_dataset(folder).partition("train"), experiment)


def present(folder: Path, settings: dict[str, Any]) -> Iterator[Any]:
    """Batches as the trainer's workers make them."""
    from lia_bench.core.memory import keep_freed_memory

    keep_freed_memory()
    pairs = pairs_of(folder, settings)
    positions = iter(range(10**9))
    while True:
        yield pairs.__getitems__(list(islice(positions, BATCH)))


def plain(folder: Path, settings: dict[str, Any]) -> Iterator[Any]:
    """The same draws by way of Pillow's images, each pair by itself and then stacked."""
    import torch

    pairs = pairs_of(folder, settings)
    pairs._augment = PlainChanges(pairs._data)
    positions = iter(range(10**9))
    while True:
        rows = [np.stack(pairs._frames_at(position)) for position in islice(positions, BATCH)]
        yield torch.stack([torch.from_numpy(np.ascontiguousarray(row.transpose(0, 3, 1, 2))) for row in rows])


class PlainChanges:
    """`PairAugmentation` without rotation and random sizes, by Pillow and torchvision."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __call__(self, drawn: Sequence[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
        from PIL import Image

        frames = np.stack(drawn)
        random.uniform(1.0, 1.0)
        crop = self._data.crop
        if crop:
            top, left = random.integers(SIZE - crop + 1, size=2)
            cut = frames[:, top : top + crop, left : left + crop]
            large = (Image.fromarray(frame).resize((SIZE, SIZE), Image.Resampling.BILINEAR) for frame in cut)
            frames = np.stack([np.array(image) for image in large])
        if random.random() < self._data.time_flip:
            frames = frames[[1, 0]]
        elif random.random() < self._data.horizontal_flip:
            frames = frames[:, :, ::-1]
        return [np.asarray(image) for image in self._jittered(frames, random)]

    def _jittered(self, frames: np.ndarray, random: np.random.Generator) -> list[Any]:
        from PIL import Image
        from torchvision.transforms import functional

        from lia_bench.models.training.augmentation import ColourChange

        change = ColourChange.draw(self._data.jitter, random)
        order = change.order[-1:] if self._data.jitter_rule == "published" else change.order
        changes: tuple[tuple[Callable[..., Any], float], ...] = (
            (functional.adjust_brightness, change.factors[0]),
            (functional.adjust_contrast, change.factors[1]),
            (functional.adjust_saturation, change.factors[2]),
            (functional.adjust_hue, change.hue),
        )
        images = [Image.fromarray(frame) for frame in frames]
        for kind in order:
            changed, amount = changes[kind]
            images = [changed(image, amount) for image in images]
        return images


def seconds(batches: Iterator[Any], count: int) -> float:
    """Processor time that so many batches take."""
    begin = time.process_time()
    for _ in islice(batches, count):
        pass
    return time.process_time() - begin


def print_growth(folder: Path) -> None:
    """Print how training starts on 20,000 packed clips, and what memory it takes as it goes on."""
    write_many(folder)
    done = subprocess.run([sys.executable, __file__, "--measure", str(folder)], check=True, capture_output=True)
    found = json.loads(done.stdout.splitlines()[-1])
    clips = TARS * CLIPS_OF_A_TAR
    print(f"\n{clips:,} clips, {clips * FRAMES_OF_A_CLIP:,} frames, packed in {TARS} tar files")
    times = f"{found['start']:.2f} s to the first batch ({found['wall']:.2f} by the clock)"
    print(f"{times}, {found['memory'][0]:.0f} MiB then")
    for pairs, memory in zip(found["pairs"], found["memory"][1:], strict=True):
        print(f"after {pairs:,} pairs: {memory:.0f} MiB")
    print(f"{found['speed']:.0f} pairs/s while nearly every clip is new")


def write_many(folder: Path) -> None:
    """A packed dataset of which every index entry means the one picture of its tar."""
    from PIL import Image

    folder.mkdir(parents=True)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    picture = BytesIO()
    soft = np.stack([rows, columns, (rows + columns) // 2], axis=-1).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 12, soft.shape, dtype=np.uint8)
    Image.fromarray(soft // 2 + 60 + noise).save(picture, "JPEG", quality=95)
    table = ["clip,partition,person_id,status,frames,tar\n"]
    for number in range(TARS):
        name = f"train-{number:05d}"
        with tarfile.open(folder / f"{name}.tar", "w") as archive:
            member = tarfile.TarInfo("train/0/0000000.jpg")
            member.size = len(picture.getvalue())
            archive.addfile(member, BytesIO(picture.getvalue()))
        clips = [f"id{number:05d}#video-{clip:05d}#000100#000300" for clip in range(CLIPS_OF_A_TAR)]
        table += [f"{clip},train,id{number:05d},ok,{FRAMES_OF_A_CLIP},{name}.tar\n" for clip in clips]
        with (folder / f"{name}.idx").open("w") as file:
            file.write(f"v1.2 {len(clips) * FRAMES_OF_A_CLIP}\n")
            for clip in clips:
                file.writelines(
                    f"jpg 512 {member.size} train/{clip}/{frame:07d}.jpg\n" for frame in range(FRAMES_OF_A_CLIP)
                )
    (folder / "clips.csv").write_text("".join(table))


def start_of(folder: Path) -> dict[str, Any]:
    """Seconds from the dataset's name to the first batch, and memory then and as pairs are drawn."""
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.models.training.pairs import check_lengths

    keep_freed_memory()
    wall, begin = time.perf_counter(), time.process_time()
    pairs = pairs_of(folder, {"cache_megabytes": 0})
    check_lengths([clip for unit in pairs._units for clip in unit])
    pairs.__getitems__(range(BATCH))
    found: dict[str, Any] = {"start": time.process_time() - begin, "wall": time.perf_counter() - wall}
    memory, counts, position = [resident()], [1_000, 5_000, 20_000, 40_000], BATCH
    for count in counts:
        begin, first = time.process_time(), position
        while position < count:
            pairs.__getitems__(range(position, position + BATCH))
            position += BATCH
        if count == 20_000:
            found["speed"] = (position - first) / (time.process_time() - begin)
        memory.append(resident())
    return found | {"memory": memory, "pairs": counts}


def resident() -> float:
    """MiB of this process in memory now; at its peak where the system does not tell."""
    table = Path("/proc/self/statm")
    if table.is_file():
        return int(table.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
