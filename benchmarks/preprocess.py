"""Cutting clips against a plain baseline: `python benchmarks/preprocess.py RAW_FOLDER`.

RAW_FOLDER holds `videos/` and `metadata/*.csv`. The baseline does what the published scripts do: one process a
video, every frame decoded by imageio, every crop resized by scikit-image, clips written by imageio at the end; here
with the encoder's settings of `preprocess`, so that both write the same clips. Both get the same
footage, copied a few times so that starting processes does not count, and the same number of processes.

Needs the extra `benchmarks`.
"""

import csv
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
from plain_video import imageio_with_ffmpeg

from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.video import open_video
from lia_bench.core.video.writer import encoder_options
from lia_bench.preprocessing.clip_table import COLUMNS, MetadataRow, MetadataTable, read_metadata
from lia_bench.preprocessing.crops import CutJob, cut_clip
from lia_bench.preprocessing.ledger import Ledger
from lia_bench.preprocessing.plan import plan_from_table
from lia_bench.preprocessing.preparing import PreparationOptions, prepare_from_table
from lia_bench.preprocessing.published_rule import clip_name
from lia_bench.preprocessing.workers.engine import LocalEngine

TABLES = ("raw-vox-metadata", "raw-vox-metadata-min96", "raw-vox-metadata-resampled", "raw-tai-metadata")
SIZE = 256


@click.command()
@click.argument("raw", type=click.Path(path_type=Path, exists=True))
@click.option("--copies", default=8, show_default=True, help="Of the footage.")
@click.option("--workers", default=2, show_default=True, help="Processes of either.")
def main(raw: Path, copies: int, workers: int) -> None:
    """Print clips per minute of both, how far their clips differ, and a worker's memory on long footage."""
    imageio_with_ffmpeg()
    with tempfile.TemporaryDirectory() as folder:
        compare(raw, Path(folder), copies, workers)
        for minutes in (1, 10):
            for suffix in (".mp4", ".mkv"):
                memory(raw, Path(folder), minutes, suffix)


def compare(raw: Path, folder: Path, copies: int, workers: int) -> None:
    """Both on the same footage, one after the other, the baseline first."""
    table = multiply(raw, folder / "footage", copies)
    begin, spent = time.perf_counter(), processor_seconds()
    groups = [list(rows) for _, rows in groupby(table.rows, key=lambda row: row.video_id)]
    with get_context("spawn").Pool(workers) as pool:
        pool.starmap(baseline, [(folder / "footage", folder / "baseline", rows) for rows in groups], chunksize=1)
    plain, plain_spent = time.perf_counter() - begin, processor_seconds() - spent
    begin, spent = time.perf_counter(), processor_seconds()
    engine = LocalEngine(workers)
    options = PreparationOptions(folder / "ours", SIZE, "mp4", engine, engine)
    done = prepare_from_table(table, folder / "footage", options, "benchmark", {})
    ours, ours_spent = time.perf_counter() - begin, processor_seconds() - spent
    clips = len(done.outcomes)
    frames = sum(outcome.frames for outcome in done.outcomes)
    print(f"{clips} clips, {frames} frames, {workers} processes")
    print(f"  baseline {60 * clips / plain:.0f} clips a minute, {1000 * plain / frames:.2f} ms a frame")
    print(f"  preprocess {60 * clips / ours:.0f} clips a minute, {1000 * ours / frames:.2f} ms a frame")
    print(f"  ratio {plain / ours:.2f}")
    print(
        f"  processor: baseline {1000 * plain_spent / frames:.2f} ms a frame, preprocess "
        f"{1000 * ours_spent / frames:.2f}, ratio {plain_spent / ours_spent:.2f}"
    )
    difference = [
        differ(clip.path, folder / "baseline" / clip.path.name) for clip in open_dataset(folder / "ours").clips
    ]
    print(f"  mean absolute difference {np.mean(difference):.3f}/255, of the worst clip {max(difference):.3f}/255")


def processor_seconds() -> float:
    """Of this process and of all that it has started and seen end."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def multiply(raw: Path, footage: Path, copies: int) -> MetadataTable:
    """Copies of the footage under other names, and one table of all clips in it."""
    footage.mkdir()
    rows: list[dict[str, Any]] = []
    for name in TABLES:
        for row in read_metadata(raw / "metadata" / f"{name}.csv").rows:
            for copy in range(copies):
                video = f"{row.video_id}-{copy}"
                if not (footage / f"{video}.mp4").exists():
                    shutil.copy(raw / "videos" / f"{row.video_id}.mp4", footage / f"{video}.mp4")
                rows.append({**row.text, "video_id": video})
    rows.sort(key=lambda row: (row["video_id"], int(row["start"])))
    path = footage.parent / "table.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return read_metadata(path)


def baseline(footage: Path, output: Path, rows: list[MetadataRow]) -> None:
    """What `load_videos.py` does with a video, with an encoder's settings that give comparable clips."""
    from skimage.transform import resize
    from skimage.util import img_as_ubyte

    imageio = imageio_with_ffmpeg()
    output.mkdir(exist_ok=True)
    reader: Any = imageio.get_reader(footage / f"{rows[0].video_id}.mp4")
    fps = reader.get_meta_data()["fps"]
    crops: list[list[Any]] = [[] for _ in rows]
    width, height = reader.get_meta_data()["size"]
    for index, frame in enumerate(reader):
        for row, crop in zip(rows, crops, strict=True):
            if index * row.fps >= row.start * fps and index * row.fps < row.end * fps:
                across, down = row.width / width, row.height / height
                left, top, right, bottom = row.bbox
                part = frame[int(top / down) : int(bottom / down), int(left / across) : int(right / across)]
                crop.append(img_as_ubyte(resize(part, (SIZE, SIZE), anti_aliasing=True)))
    for row, crop in zip(rows, crops, strict=True):
        name = clip_name(row.video_id, row.person_id, row.start, row.end)
        # Among them the colours: FFmpeg's own would be BT.601's, which rounds otherwise.
        settings = [word for option, value in encoder_options().items() for word in (f"-{option}", value)]
        imageio.mimsave(output / f"{name}.mp4", crop, fps=fps, quality=None, output_params=settings)


def differ(ours: Path, theirs: Path) -> float:
    """Mean absolute difference of two clips, in levels of 0..255."""
    with open_video(ours) as mine, open_video(theirs) as other:
        if len(mine) != len(other):
            raise SystemExit(f"{ours}: {len(mine)} frames, the baseline wrote {len(other)}")
        return float(np.mean([np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(mine, other, strict=True)]))


def memory(raw: Path, folder: Path, minutes: int, suffix: str) -> None:
    """Peak memory of a process that cuts the last seconds out of long 1080p footage."""
    footage = folder / f"long-{minutes}{suffix[1:]}"
    lengthen(raw / "videos" / "raw-vox-001.mp4", footage / f"long{suffix}", minutes)
    end = minutes * 60 * 25
    table = folder / f"long-{minutes}.csv"
    table.write_text(
        "video_id,start,end,bbox,fps,width,height,partition\n"
        f"long,{end - 150},{end - 10},400-100-1300-1000,25,1920,1080,train\n"
    )
    words = [sys.executable, __file__, "--worker", str(footage), str(table), str(folder / f"cut-{minutes}{suffix[1:]}")]
    print(f"{minutes} minutes of 1920x1080, {suffix}: {subprocess.check_output(words, text=True).strip()}")


def worker(footage: Path, table: Path, output: Path) -> None:
    """Cut one clip in this process and print its peak memory."""
    begin = time.perf_counter()
    Ledger(output).begin()
    (cut,) = plan_from_table(read_metadata(table), footage).cuts
    outcome = cut_clip(CutJob(cut, output, SIZE, "mp4"))
    # Not getrusage, which counts what the parent held when this process was made.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(f"{outcome.status}, {outcome.frames} frames, {time.perf_counter() - begin:.1f} s, peak memory {peak:.0f} MiB")


def lengthen(clip: Path, target: Path, minutes: int) -> None:
    """Ten seconds of the clip at 1920x1080, their packets repeated until the file is as long as asked."""
    import av

    target.parent.mkdir()
    ten = target.with_name("ten.mp4")
    with av.open(str(clip)) as source, av.open(str(ten), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.options = {"preset": "superfast", "g": "50", "bf": "0"}
        frames = [frame.reformat(1920, 1080, "rgb24").to_ndarray() for frame in source.decode(video=0)][:125]
        for values in [*frames, *reversed(frames)]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(ten)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        base = source.streams.video[0].time_base
        assert base is not None
        tick = round(1 / (25 * base))
        for repeat in range(minutes * 6):
            source.seek(0)
            for packet in source.demux(video=0):
                if packet.pts is not None and packet.dts is not None:
                    packet.pts += repeat * 250 * tick
                    packet.dts += repeat * 250 * tick
                    packet.stream = stream
                    container.mux(packet)
    ten.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*map(Path, sys.argv[2:]))
    else:
        main()
