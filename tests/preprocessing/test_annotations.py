"""VoxCeleb's annotation files: real layouts, published times, and files that are none."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.recipes.vox import find_utterances
from lia_bench.preprocessing.tracking.annotated import Utterance, find_annotations, read_utterance
from tests.conftest import golden

HEADER = (
    "Identity  : \tid10271\nReference : \tvideo\nOffset    : \t0\nFV Conf   : \t20.0\t(1)\nASD Conf  : \t5.0\n\n"
    "FRAME \tX \tY \tW \tH \n"
)


def annotation(folder: Path, text: str) -> Path:
    path = folder / "id10271" / "video" / "00001.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_times() -> None:
    for case in golden("preprocess")["utterance_times"]:
        utterance = Utterance("p", "v", "u", case["first_frame"], case["last_frame"], ())
        assert utterance.times == (case["start_s"], case["end_s"])
        assert utterance.offset == case["offset_frames"]
        assert "{}-{}".format(*utterance.times) == case["chunk_name_range"]


def test_pixels(tmp_path: Path) -> None:
    path = annotation(tmp_path, HEADER + "000010 \t235 \t87 \t134 \t141 \n000011 \t-2 \t87 \t134 \t141 \n")
    assert read_utterance(path, 16 / 9) == Utterance(
        "id10271", "video", "00001", 10, 11, (Box(235, 87, 369, 228), Box(-2, 87, 132, 228))
    )


def test_fractions(tmp_path: Path) -> None:
    path = annotation(tmp_path, HEADER + "000000 \t0.500 \t0.25 \t0.25 \t0.5 \n000001 \t-0.100 \t0 \t0.25 \t1 \n")
    assert read_utterance(path, 2.0).boxes == (Box(360, 90, 540, 270), Box(-72, 0, 108, 360))


def test_both_layouts_say_the_same(real_data: Path) -> None:
    pixels = read_utterance(real_data / "raw/txt/id10271/raw-vox-001/00001.txt", 854 / 480)
    fractions = read_utterance(real_data / "raw/txt_vox2/id00017/raw-vox-001/00001.txt", 854 / 480)
    assert (pixels.first_frame, pixels.last_frame) == (fractions.first_frame, fractions.last_frame) == (10, 210)
    for first, second in zip(pixels.boxes, fractions.boxes, strict=True):
        assert max(abs(a - b) for a, b in zip(first, second, strict=True)) < 1.5


def test_files_are_found_in_order(real_data: Path) -> None:
    files, problems = find_annotations(real_data / "raw" / "txt")
    assert ["/".join(file.parts[-3:]) for file in files] == [
        "id10005/raw-vox-002/00001.txt",
        "id10271/raw-vox-001/00001.txt",
        "id10300/raw-vox-003/00001.txt",
        "id10300/raw-vox-003/00002.txt",
    ]
    assert problems == []


def test_a_folder_nobody_may_read_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = annotation(tmp_path, HEADER)
    (tmp_path / "id10272").mkdir()
    listing = Path.iterdir

    def denied(folder: Path) -> object:
        if folder.name == "id10272":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(Path, "iterdir", denied)
    files, problems = find_annotations(tmp_path)
    assert files == [path]
    assert [str(problem) for problem in problems] == [
        f"{tmp_path / 'id10272'}: not readable: Permission denied; mend its permissions"
    ]
    # clips.csv is the same wherever the annotations lie.
    assert [outcome.reason for outcome in find_utterances(tmp_path).decided] == [
        "unreadable_folder: id10272: not readable: Permission denied; mend its permissions"
    ]


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds <person>/<video>/<utterance>\.txt"):
        find_annotations(tmp_path)
    with pytest.raises(InputError, match=r"absent: no such folder of annotation files; name the one") as error:
        find_annotations(tmp_path / "absent")
    assert "permissions" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"line 7: the columns FRAME X Y W H"),
        (HEADER, r"0 annotated frames"),
        (HEADER + "10 \t1 \t2 \t30 \t40 \n", r"1 annotated frames"),
        (HEADER + "10 \t1 \t2 \t30 \n", r"line 8: '10 \t1 \t2 \t30' is not"),
        (HEADER + "10 \t1 \t2 \t30 \t40 \n\nx \t1 \t2 \t30 \t40 \n", r"line 10: 'x "),
        (HEADER + "10 \t1 \t2 \t30 \t40 \n12 \t1 \t2 \t30 \t40 \n", r"line 9: frame 12 follows 10"),
        (HEADER + "10 \t1 \t2 \t30 \tnan \n", r"line 8: .* is no face"),
        (HEADER + "10 \t1 \t2 \t0 \t40 \n", r"line 8: .* is no face"),
        (HEADER + "999999999 \t1 \t2 \t30 \t40 \n", r"line 8: frame 999999999 is none of a video"),
        (HEADER + f"{10**400} \t1 \t2 \t30 \t40 \n", r"line 8: frame 1000.* is none of a video"),
    ],
)
def test_a_file_that_is_no_annotation(tmp_path: Path, text: str, reason: str) -> None:
    path = annotation(tmp_path, text)
    with pytest.raises(InputError, match=reason) as caught:
        read_utterance(path, 1.0)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = annotation(tmp_path, "")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not readable as an annotation"):
        read_utterance(path, 1.0)
