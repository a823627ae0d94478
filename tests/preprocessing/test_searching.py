"""Footage is searched once; what was found is cut, what was not has its reason."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.clip_table import found_row, read_metadata
from lia_bench.preprocessing.footage import Footage
from lia_bench.preprocessing.preparing import (
    Preparation,
    PreparationOptions,
    prepare_from_search,
    prepare_from_table,
)
from lia_bench.preprocessing.search import Finding, Search, SearchPlan, Unit
from lia_bench.preprocessing.workers.engine import Died
from tests.core.videos import damage, encode
from tests.preprocessing.serial_engine import SerialEngine


def _two_clips(searched: list[str]) -> Search:
    def search(footage: Footage, unit: Unit) -> list[Finding]:
        searched.append(unit.name)
        if unit.name == "empty":
            return []
        if unit.name == "misfit":
            raise InputError(f"{unit.annotation}: it does not fit")
        footage.frame(footage.frames - 1)
        size = (footage.width, footage.height)
        rows = [
            found_row(unit.video_id, None, start, start + 5, Box(10, 0, 74, 64), footage.fps, size, unit.partition)
            for start in (0, 10)
        ]
        return [
            Finding(f"{unit.name}#000", rows[0]),
            Finding(f"{unit.name}#001", rows[1], "too_short: 5 of 64 frames"),
            Finding(f"{unit.name}#002", rows[1]),
        ]

    return search


def _prepare(folder: Path, searched: list[str], **changes: Any) -> Preparation:
    footage = folder / "footage"
    if not footage.exists():
        footage.mkdir()
        for name in ("a", "empty", "misfit"):
            encode(footage / f"{name}.mp4", count=20)
        (footage / "text.mp4").write_text("no video")
        (folder / "annotation.txt").write_text("words")
    units = [Unit(name, footage / f"{name}.mp4", name, None, "train") for name in ("a", "text", "empty")]
    units.append(Unit("gone", None, "gone", "p", "test"))
    units.append(Unit("misfit", footage / "misfit.mp4", "misfit", None, "train", folder / "annotation.txt"))
    plan = SearchPlan(tuple(units), partial(_two_clips, searched), changes.pop("settings", {"a": 1}))
    plan = replace(plan, made_with=changes.pop("made_with", {}))
    engine = changes.pop("engine", SerialEngine())
    options = PreparationOptions(changes.pop("output", folder / "out"), 32, "png", engine, engine, **changes)
    return prepare_from_search(plan, options, "folder", {})


def test_what_is_found_is_cut_and_the_rest_has_its_reason(tmp_path: Path) -> None:
    searched: list[str] = []
    outcomes = _prepare(tmp_path, searched).outcomes
    assert [(outcome.clip, outcome.status, outcome.reason) for outcome in outcomes] == [
        ("a#000", "ok", ""),
        ("a#001", "dropped", "too_short: 5 of 64 frames"),
        ("a#002", "ok", ""),
        (
            *("text", "failed"),
            "unreadable_video: text.mp4: not readable as a video (no known format, or its index is lost); "
            "fetch it again",
        ),
        ("empty", "dropped", "nothing_found: the detector saw nothing to follow"),
        ("gone", "unavailable", "missing_video: there is no footage of gone"),
        ("misfit", "failed", "bad_annotation: annotation.txt: it does not fit"),
    ]
    assert sorted(path.name for path in (tmp_path / "out" / "train").iterdir()) == ["a#000", "a#002"]


def test_nothing_is_searched_twice(tmp_path: Path) -> None:
    searched: list[str] = []
    first = _prepare(tmp_path, searched)
    assert searched == ["a", "empty", "misfit"]
    assert _prepare(tmp_path, searched).hash == first.hash
    assert searched == ["a", "empty", "misfit"]
    (tmp_path / "annotation.txt").write_text("other words")
    _prepare(tmp_path, searched)
    assert searched[3:] == ["misfit"]
    _prepare(tmp_path, searched, settings={"a": 2})
    assert searched[4:] == ["a", "empty", "misfit"]


def test_another_detector_searches_again(tmp_path: Path) -> None:
    searched: list[str] = []
    for version, count in (("1", 3), ("1", 3), ("2", 6)):
        _prepare(tmp_path, searched, made_with={"detector": version})
        assert len(searched) == count


class _Killed(SerialEngine):
    """An engine that is stopped after its first job."""

    def run(self, build: Callable[[], Callable[[Any], Any]], groups: Any) -> Any:
        yield next(iter(super().run(build, groups)))
        raise KeyboardInterrupt


def test_what_a_kill_tore_takes_nothing_else_along(tmp_path: Path) -> None:
    searched: list[str] = []
    whole = _prepare(tmp_path, searched).hash
    notes = tmp_path / "out" / ".finished" / "searched.jsonl"
    notes.write_text(notes.read_text()[:30])
    with pytest.raises(KeyboardInterrupt):
        _prepare(tmp_path, searched, engine=_Killed())
    searched.clear()
    assert _prepare(tmp_path, searched).hash == whole
    assert "a" not in searched


def test_what_nobody_foresaw_stops_no_other(tmp_path: Path) -> None:
    whole = _prepare(tmp_path, [], output=tmp_path / "whole")

    class Surprised(list[str]):
        def append(self, name: str) -> None:
            if name == "a":
                raise RuntimeError("strange\nerror")

    outcomes = _prepare(tmp_path, Surprised()).outcomes
    assert (outcomes[0].clip, outcomes[0].status) == ("a", "failed")
    assert outcomes[0].reason == "unexpected: RuntimeError: strange error"
    assert _prepare(tmp_path, []).hash == whole.hash


def test_links_to_nowhere(tmp_path: Path) -> None:
    _prepare(tmp_path, [])
    for path in (tmp_path / "footage" / "a.mp4", tmp_path / "annotation.txt"):
        path.rename(path.with_name("moved"))
        path.symlink_to(tmp_path / "nowhere")
    outcomes = {outcome.clip: outcome for outcome in _prepare(tmp_path, []).outcomes}
    assert (outcomes["a"].status, outcomes["a"].reason) == ("failed", "unreadable_video: a.mp4: no such file")
    assert outcomes["misfit"].reason.startswith("bad_annotation")
    assert len(outcomes) == 5


def test_two_units_of_one_name_are_refused(tmp_path: Path) -> None:
    video = encode(tmp_path / "a.mp4", count=2)
    plan = SearchPlan((Unit("a", video, "a", None, "train"),) * 2, partial(_two_clips, []), {})
    engine = SerialEngine()
    with pytest.raises(InputError, match="2 units are called train/a"):
        prepare_from_search(plan, PreparationOptions(tmp_path / "out", 32, "png", engine, engine), "folder", {})


def test_the_table_of_what_was_found_cuts_the_same_clips(tmp_path: Path) -> None:
    found = _prepare(tmp_path, [])
    table = read_metadata(tmp_path / "out" / "metadata.csv")
    engine = SerialEngine()
    options = PreparationOptions(tmp_path / "again", 32, "png", engine, engine)
    again = prepare_from_table(table, tmp_path / "footage", options, "vox", {})
    assert [clip.sha256 for clip in again.outcomes] == [clip.sha256 for clip in found.outcomes if clip.status == "ok"]


def test_shards_make_the_whole(tmp_path: Path) -> None:
    whole = _prepare(tmp_path, [])
    shards = [_prepare(tmp_path, [], output=tmp_path / f"{n}", shard=(n, 3)).outcomes for n in (1, 2, 3)]
    assert sorted((outcome for shard in shards for outcome in shard), key=lambda outcome: outcome.position) == list(
        whole.outcomes
    )


class _Fragile(SerialEngine):
    """An engine that loses the worker of one unit."""

    def run(self, build: Callable[[], Callable[[Any], Any]], groups: Any) -> Any:
        work = build()
        for group in groups:
            for job in group:
                lost = getattr(getattr(job, "unit", None), "name", "") == "a"
                yield job, Died("worker_died: its process ended") if lost else work(job)


def test_a_lost_worker_is_a_failure_that_the_next_run_mends(tmp_path: Path) -> None:
    outcome = _prepare(tmp_path, [], engine=_Fragile()).outcomes[0]
    assert (outcome.clip, outcome.status, outcome.reason) == ("a", "failed", "worker_died: its process ended")
    whole = _prepare(tmp_path, [], output=tmp_path / "whole")
    assert _prepare(tmp_path, []).hash == whole.hash


def test_damaged_footage_is_searched_up_to_the_damage(tmp_path: Path) -> None:
    _prepare(tmp_path, [])
    whole = encode(tmp_path / "whole.mp4", count=60, options={"g": "12", "bf": "0"}, index_first=True)
    damage(whole, tmp_path / "footage" / "a.mp4", 0.8)
    outcomes = _prepare(tmp_path, []).outcomes
    assert [outcome.status for outcome in outcomes[:3]] == ["ok", "dropped", "ok"]


@pytest.mark.parametrize("aspect", [(16, 9), (3, 4)])
def test_pixels_that_are_not_square(aspect: tuple[int, int], tmp_path: Path) -> None:
    from fractions import Fraction

    from lia_bench.preprocessing.footage import open_quickly

    path = encode(tmp_path / "wide.mp4", count=4)
    _set_pixel_aspect(path, Fraction(*aspect))
    with open_quickly(path) as footage:
        assert footage.stored_size == (96, 64)
        assert footage.width / footage.height == pytest.approx(96 * aspect[0] / (64 * aspect[1]), abs=0.02)
        assert min(footage.width / 96, footage.height / 64) == 1
        assert footage.square_frame(0).shape == (footage.height, footage.width, 3)


def _set_pixel_aspect(path: Path, aspect: Any) -> None:
    import av

    copy = path.with_name("copy.mp4")
    with av.open(str(path)) as source, av.open(str(copy), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for frame in source.decode(video=0):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    copy.replace(path)
