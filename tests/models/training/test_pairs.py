"""What is drawn for each place of the run, and that nothing else decides it."""

import gc
import multiprocessing
import os
import signal
import subprocess
import tarfile
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench.core.errors import InputError, LiaBenchError, UnreadableVideoError
from lia_bench.core.prepared_dataset import PreparedDataset, open_dataset
from lia_bench.core.video import open_video, write_video
from lia_bench.core.video.decoders import PyAVReader
from lia_bench.core.video.packed_frames import member_name
from lia_bench.models.training.batches import Share, pair_batches
from lia_bench.models.training.pairs import FramePairs, check_lengths
from lia_bench.preprocessing.prepared.tar_files import PackingOptions, pack
from tests.models.training.toy.network import ToyConfiguration
from tests.models.training.toy.world import FRAMES, SIZE, write_strip, write_stripes
from tests.preprocessing.prepared import small_dataset


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return open_dataset(str(write_stripes(tmp_path_factory.mktemp("data") / "stripes", train=7)))


class SeveralViews(ToyConfiguration):
    """The toy, if it took references."""

    views: int

    @property
    def references(self) -> int:
        return self.views


def pairs_of(dataset: PreparedDataset, seed: int = 0, size: int = SIZE, references: int = 0, **data: Any) -> FramePairs:
    values = {"dataset": "any", "batch_size": 2, **data}
    experiment = SeveralViews.model_validate(
        {"model": {"size": size}, "data": values, "schedule": {"iterations": 1, "seed": seed}, "views": references}
    )
    return FramePairs(dataset.partition("train"), experiment)


def sample(pairs: FramePairs, position: int) -> Tensor:
    drawn = pairs[position]
    assert isinstance(drawn, Tensor)
    return drawn


def frame_numbers(dataset: PreparedDataset, drawn: Tensor) -> tuple[str, int, int]:
    """The clip and the two frames that a sample holds."""
    for clip in dataset.partition("train"):
        with open_video(clip.path) as reader:
            frames = [torch.from_numpy(np.array(frame)).permute(2, 0, 1) for frame in reader]
        places = [[index for index, frame in enumerate(frames) if torch.equal(frame, half)] for half in drawn]
        if all(places):
            return clip.name, places[0][0], places[1][0]
    raise AssertionError("a frame of no clip")


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """One clip whose frames all differ: frame k has level 10 k."""
    folder = tmp_path_factory.mktemp("numbered") / "train" / "clip"
    folder.mkdir(parents=True)
    for number in range(5):
        level = np.full((SIZE, SIZE, 3), 10 * number, dtype=np.uint8)
        Image.fromarray(level).save(folder / f"{number:07d}.png")
    return open_dataset(str(folder.parents[1]))


def drawn_numbers(pairs: FramePairs, count: int) -> list[tuple[int, int]]:
    return [(int(one[0, 0, 0]) // 10, int(two[0, 0, 0]) // 10) for one, two in (sample(pairs, i) for i in range(count))]


def test_distinct_pairs_are_two_different_frames_in_any_order(numbered: PreparedDataset) -> None:
    drawn = Counter(drawn_numbers(pairs_of(numbered, batch_size=1), 2000))
    assert set(drawn) == {(first, second) for first in range(5) for second in range(5) if first != second}
    assert min(drawn.values()) > 60


def test_ordered_pairs_may_be_the_same_frame_and_never_go_back(numbered: PreparedDataset) -> None:
    drawn = Counter(drawn_numbers(pairs_of(numbered, batch_size=1, pairs="ordered"), 2000))
    assert set(drawn) == {(first, second) for first in range(5) for second in range(first, 5)}
    # Two draws with replacement: a pair of different frames is twice as likely as a pair of the same.
    assert drawn[1, 3] / drawn[2, 2] == pytest.approx(2, abs=0.7)


def test_references_are_other_frames_of_the_clip_and_leave_the_pairs_as_they_are(numbered: PreparedDataset) -> None:
    plain, more = pairs_of(numbered, batch_size=1), pairs_of(numbered, batch_size=1, references=2)
    seen = Counter[int]()
    for position in range(200):
        drawn = sample(more, position)
        assert drawn.shape == (4, 3, SIZE, SIZE)
        assert torch.equal(drawn[:2], sample(plain, position))
        numbers = [int(frame[0, 0, 0]) // 10 for frame in drawn]
        assert len(set(numbers)) == 4
        seen.update(numbers[2:])
    assert set(seen) == set(range(5))
    assert min(seen.values()) > 40


def test_a_short_clip_repeats_references_but_shows_the_driving_frame_only_once(numbered: PreparedDataset) -> None:
    pairs = pairs_of(numbered, batch_size=1, references=6)
    for position in range(30):
        source, driving, *references = (int(frame[0, 0, 0]) // 10 for frame in sample(pairs, position))
        assert set(references) <= set(range(5)) - {source, driving}


def test_a_flip_in_time_leaves_references_behind_the_pair(numbered: PreparedDataset) -> None:
    plain = pairs_of(numbered, batch_size=1, references=2)
    flipped = pairs_of(numbered, batch_size=1, references=2, time_flip=1.0)
    for position in range(10):
        assert torch.equal(sample(flipped, position), sample(plain, position)[[1, 0, 2, 3]])


def test_a_sample_depends_on_seed_and_position_alone(stripes: PreparedDataset) -> None:
    settings: dict[str, Any] = {
        "time_flip": 0.5,
        "horizontal_flip": 0.5,
        "jitter": {"hue": 0.1, "contrast": 0.2},
        "crop": 12,
    }
    forwards = pairs_of(stripes, **settings)
    backwards = pairs_of(stripes, cache_megabytes=0, **settings)
    expected = [sample(forwards, position) for position in range(20)]
    for position in reversed(range(20)):
        assert torch.equal(expected[position], sample(backwards, position))
    other = pairs_of(stripes, seed=1, **settings)
    assert not all(torch.equal(expected[position], sample(other, position)) for position in range(6))


def test_fewer_clips_than_a_batch_are_repeated_where_that_is_asked_for(stripes: PreparedDataset) -> None:
    pairs = pairs_of(stripes, batch_size=16, fill_batch=True)
    assert pairs.plan.repeats == 3
    assert pairs.plan.iterations_per_epoch == 1
    assert pairs_of(stripes, batch_size=4, fill_batch=True).plan.repeats == 1
    with pytest.raises(InputError, match=r"data\.repeats=3"):
        pairs_of(stripes, batch_size=16)


def test_one_clip_of_each_person_an_epoch(stripes: PreparedDataset) -> None:
    # Seven clips of four persons.
    pairs = pairs_of(stripes, one_clip_per_identity=True, batch_size=4)
    assert pairs.plan.iterations_per_epoch == 1
    chosen = set()
    for epoch in range(12):
        clips = [frame_numbers(stripes, sample(pairs, 4 * epoch + row))[0] for row in range(4)]
        assert len({clip.split("#")[0] for clip in clips}) == 4
        chosen |= set(clips)
    assert len(chosen) == 7


def test_frames_have_the_models_size(stripes: PreparedDataset) -> None:
    assert sample(pairs_of(stripes, size=8), 0).shape == (2, 3, 8, 8)


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_share_the_batches_and_workers_change_nothing(stripes: PreparedDataset, workers: int) -> None:
    def batches(share: Share, start: int = 0, workers: int = 0) -> Iterator[Tensor]:
        pairs = pairs_of(stripes, batch_size=4, jitter={"saturation": 0.3})
        return pair_batches(pairs, share, start=start, stop=5, workers=workers, pinned=False)

    whole = list(batches(Share(4)))
    assert [batch.shape for batch in whole] == [(4, 2, 3, SIZE, SIZE)] * 5
    first, second = (list(batches(Share(4, rank, 2), workers=workers)) for rank in range(2))
    for batch, *halves in zip(whole, first, second, strict=True):
        assert torch.equal(batch, torch.stack(halves, dim=1).flatten(0, 1))
    later = list(batches(Share(4), start=3, workers=workers))
    assert all(torch.equal(one, other) for one, other in zip(whole[3:], later, strict=True))


@pytest.mark.timeout(120)
def test_workers_begin_where_opencv_has_threads(stripes: PreparedDataset) -> None:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        places = np.ones((512, 512), np.float32)
        cv2.remap(np.zeros((512, 512, 3), np.uint8), places, places, cv2.INTER_LINEAR)
        assert len(list(pair_batches(pairs_of(stripes), Share(2), start=0, stop=2, workers=2, pinned=False))) == 2
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(threads)


def test_a_batch_that_cannot_be_shared_is_an_error_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"batch_size is 10.*there are 4.*data\.batch_size=12"):
        Share(10, 0, 4)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_clip_stops_the_run_with_one_line(tmp_path: Path, workers: int) -> None:
    (tmp_path / "train").mkdir()
    write_strip(tmp_path / "train" / "good.png", np.random.default_rng(0))
    (tmp_path / "train" / "bad.mp4").write_bytes(b"no video")
    pairs = pairs_of(open_dataset(str(tmp_path)))
    with pytest.raises(UnreadableVideoError, match=r"bad\.mp4") as caught:
        list(pair_batches(pairs, Share(2), start=0, stop=3, workers=workers, pinned=False))
    assert "\n" not in str(caught.value)


@pytest.fixture
def start_method(request: pytest.FixtureRequest) -> Iterator[str]:
    """How this process makes others; the default is another one on other systems, and from Python 3.14 on."""
    usual = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield request.param
    multiprocessing.set_start_method(usual, force=True)


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="this system does not tell who sent a signal")
@pytest.mark.parametrize("start_method", ["fork", "forkserver"], indirect=True)
def test_workers_go_on_when_somebody_else_terminates_them(start_method: str, stripes: PreparedDataset) -> None:
    before = multiprocessing.active_children()
    batches = pair_batches(pairs_of(stripes), Share(2), start=0, stop=9, workers=1, pinned=False)
    next(batches)
    (worker,) = (child for child in multiprocessing.active_children() if child not in before)
    subprocess.run(["kill", str(worker.pid)], check=True)
    # More than are drawn ahead.
    assert len([next(batches) for _ in range(4)]) == 4
    # Of two signals of one kind that come before it has looked, a process is told of the first alone.
    for _ in range(120):
        worker.terminate()
        worker.join(0.5)
        if worker.exitcode is not None:
            break
    assert worker.exitcode == 0


def test_a_clip_of_one_frame_makes_no_pair(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "still"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((SIZE, SIZE, 3), dtype=np.uint8)).save(folder / "0000000.png")
    dataset = open_dataset(str(tmp_path))
    error = pairs_of(dataset, batch_size=1)[0]
    assert isinstance(error, LiaBenchError)
    assert "still: one frame alone makes no pair" in str(error)
    assert sample(pairs_of(dataset, batch_size=1, pairs="ordered"), 0).shape == (2, 3, SIZE, SIZE)


def test_clips_of_one_frame_are_named_before_training_starts(tmp_path: Path) -> None:
    frames = [np.full((SIZE, SIZE, 3), 10 * number, np.uint8) for number in range(3)]
    (tmp_path / "train").mkdir()
    for name, count in (("a", 3), ("b", 1), ("c", 1)):
        write_video(tmp_path / "train" / f"{name}.mp4", frames[:count], 25.0)
    clips = open_dataset(str(tmp_path)).partition("train")
    with pytest.raises(InputError, match=r"2 of 3 train clips have one frame alone.*b\.mp4, .*c\.mp4: remove them"):
        check_lengths(clips)
    check_lengths(clips[:1])
    # A table says it without a file being opened.
    told = [replace(clip, path=tmp_path / "gone.mp4", frames=1) for clip in clips]
    with pytest.raises(InputError, match="3 of 3 train clips"):
        check_lengths(told)


def test_clips_beyond_the_memory_are_read_and_not_kept(stripes: PreparedDataset) -> None:
    opened = Counter[str]()

    def count(pairs: FramePairs, monkeypatch: pytest.MonkeyPatch) -> None:
        def counting(path: Path) -> Any:
            opened[path.name] += 1
            return open_video(path)

        monkeypatch.setattr("lia_bench.core.video.readers.open_indexed", counting)
        for position in range(28):
            sample(pairs, position)

    clip_bytes = FRAMES * SIZE * SIZE * 3
    with pytest.MonkeyPatch.context() as monkeypatch:
        pairs = pairs_of(stripes, batch_size=7)
        pairs._frames._left = 3 * clip_bytes
        count(pairs, monkeypatch)
    # Four epochs: three clips opened once more to be kept, the four others each time.
    assert sorted(opened.values()) == [2, 2, 2, 4, 4, 4, 4]


def test_a_first_batch_decodes_no_video_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [np.full((SIZE, SIZE, 3), 10 * number, np.uint8) for number in range(20)]
    (tmp_path / "train").mkdir()
    for number in range(4):
        write_video(tmp_path / "train" / f"{number}.mp4", frames, 25.0)
    monkeypatch.setattr(PyAVReader, "__iter__", None)
    monkeypatch.setattr("lia_bench.core.video.readers.scan", None)
    pairs = pairs_of(open_dataset(str(tmp_path)), batch_size=4)
    assert all(sample(pairs, position).shape == (2, 3, SIZE, SIZE) for position in range(4))


@pytest.fixture(scope="module")
def one_jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed dataset of 2,000 clips of 50 frames, each of them the same picture of the one tar."""
    folder = tmp_path_factory.mktemp("packed")
    picture = BytesIO()
    Image.fromarray(np.full((SIZE, SIZE, 3), 90, np.uint8)).save(picture, "JPEG")
    with tarfile.open(folder / "train-00000.tar", "w") as archive:
        member = tarfile.TarInfo("train/0/0000000.jpg")
        member.size = len(picture.getvalue())
        archive.addfile(member, BytesIO(picture.getvalue()))
    names = sorted(f"id{clip % 400}#video{clip}#0" for clip in range(2000))
    members = [member_name(f"train/{name}", frame) for name in names for frame in range(50)]
    lines = "".join(f"jpg 512 {member.size} {name}\n" for name in members)
    (folder / "train-00000.idx").write_text(f"v1.2 {len(members)}\n{lines}")
    rows = "".join(f"{name},train,ok,50,train-00000.tar\n" for name in names)
    (folder / "clips.csv").write_text(f"clip,partition,status,frames,tar\n{rows}")
    return folder


def test_of_many_packed_clips_only_those_that_are_drawn_are_looked_up(one_jpeg: Path) -> None:
    pairs = pairs_of(open_dataset(one_jpeg), batch_size=20)
    tracemalloc.start()
    try:
        for position in range(100):
            assert sample(pairs, position).shape == (2, 3, SIZE, SIZE)
        grown, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    index = (one_jpeg / "train-00000.idx").stat().st_size
    # A hundred clips of two thousand, with an entry for each of their frames.
    assert grown < index / 10
    assert peak < index / 5


@pytest.mark.parametrize("workers", [0, 2])
def test_a_packed_dataset_gives_the_same_pairs(workers: int, tmp_path: Path) -> None:
    def batches(dataset: Path, cache: int, start: int = 0) -> list[Tensor]:
        pairs = pairs_of(open_dataset(dataset), 0, 32, cache_megabytes=cache, horizontal_flip=0.5, crop=28, repeats=6)
        return list(pair_batches(pairs, Share(2), start=start, stop=6, workers=workers, pinned=False))

    whole = small_dataset(tmp_path / "whole")
    pack(whole, tmp_path / "packed", PackingOptions(frames=4))
    packed = batches(tmp_path / "packed", cache=1)
    assert [batch.shape for batch in packed] == [(2, 2, 3, 32, 32)] * 6
    for one, other in zip(batches(whole, cache=0), packed, strict=True):
        assert 0 < (one.float() - other.float()).abs().mean() < 4
    later = batches(tmp_path / "packed", cache=0, start=4)
    assert all(torch.equal(one, other) for one, other in zip(packed[4:], later, strict=True))


class Collecting(FramePairs):
    """Pairs whose reading makes a process clear away what nothing refers to."""

    def __getitems__(self, positions: Sequence[int]) -> Tensor | LiaBenchError:
        gc.collect()
        return super().__getitems__(positions)


class Abandoned:
    """Refers to itself, as a reader may, so that only the collector clears it away; notes in which process it did."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.itself = self

    def __del__(self) -> None:
        (self.notes / str(os.getpid())).touch()


def test_workers_clear_away_no_reader_that_was_left_behind_before_them(
    stripes: PreparedDataset, tmp_path: Path
) -> None:
    pairs = pairs_of(stripes)
    pairs.__class__ = Collecting
    gc.disable()
    try:
        Abandoned(tmp_path)
        assert len(list(pair_batches(pairs, Share(2), start=0, stop=2, workers=1, pinned=False))) == 2
    finally:
        gc.enable()
    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]
