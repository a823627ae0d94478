"""Lists, tables and configurations in every encoding and form in which people save them."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lia_bench.core.clips_table import read_clips_table
from lia_bench.core.configuration import parse_settings, read_yaml
from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.prepared_dataset import read_clip_list
from lia_bench.core.text_files import read_list, read_table, read_text
from lia_bench.leaderboards.results.csv_reading import read_file
from lia_bench.models.training.sweep import Axis
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.download.unavailable import UnavailableVideos, read_unavailable
from lia_bench.preprocessing.plan import read_names
from lia_bench.preprocessing.tracking.annotated import read_utterance

MARKS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
# UTF-16 without a mark is told by the zero bytes of plain letters.
UNMARKED = ("utf-16-le", "utf-16-be")
FORMS = [
    pytest.param(encoding, mark, end, id=f"{encoding}{'' if mark else ' unmarked'} {end!r}")
    for encoding, mark in [*MARKS.items(), *((name, b"") for name in UNMARKED)]
    for end in ("\n", "\r\n", "\r")
]


def save(path: Path, text: str, encoding: str, mark: bytes, end: str) -> Path:
    path.write_bytes(mark + text.replace("\n", end).encode(encoding))
    return path


def names_of(alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=12).filter(lambda name: name == name.strip())


LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters='",;\ufeff')


@pytest.mark.parametrize(("encoding", "mark", "end"), FORMS)
@settings(max_examples=25)
@given(names=st.lists(names_of(LETTERS), max_size=6))
@example(names=["plain.mp4", "übung#1.mp4", "片段.mp4"])
def test_a_list_is_the_same_in_every_encoding(
    names: list[str], encoding: str, mark: bytes, end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(f"{name}.mp4\n" for name in names)
    path = save(tmp_path_factory.getbasetemp() / "list.txt", text, encoding, mark, end)
    assert read_list(path) == [f"{name}.mp4" for name in names]


@pytest.mark.parametrize(("encoding", "mark", "end"), FORMS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@settings(max_examples=15)
@given(cells=st.lists(st.lists(st.text(LETTERS | st.sampled_from('",;\t\n'), max_size=8), min_size=3, max_size=3)))
@example(cells=[["a,b", 'say "x"', "two\nlines"], ["", "片", "1;5"]])
def test_a_table_is_the_same_in_every_encoding_and_with_every_separator(
    cells: list[list[str]],
    separator: str,
    encoding: str,
    mark: bytes,
    end: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = io.StringIO()
    columns = ["clip, or name", "partition", "status"]
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([columns, *cells])
    path = save(tmp_path_factory.getbasetemp() / "table.csv", text.getvalue(), encoding, mark, end)
    table = read_table(path)
    assert table.columns == tuple(columns)
    assert table.separator == separator
    expected = [tuple(cell.replace("\n", end) for cell in row) for row in cells if any(cell.strip() for cell in row)]
    assert [row for _, row in table.lines] == expected


TABLE = "clip,partition,status\na,test,ok\nb,test,failed\nc,train,ok\n"
METADATA = """video_id,start,end,bbox,fps,width,height,partition
plain,0,20,0-0-64-64,25.0,64,64,test
"""
ANNOTATION = "\n" * 6 + "FRAME \tX \tY \tW \tH \n" + "1 \t2 \t3 \t4 \t5 \n2 \t2 \t3 \t4 \t5 \n"
RESULTS = (
    "model,dataset,task,l1,protocol,extractors,dataset_hash,checkpoint_sha256\nlia,vox,cross,0.5,literature,,1,2\n"
)


@pytest.mark.parametrize(("encoding", "mark", "end"), FORMS)
def test_every_file_that_a_user_gives_is_read_in_every_form(
    encoding: str, mark: bytes, end: str, tmp_path: Path
) -> None:
    def form(name: str, text: str) -> Path:
        return save(tmp_path / name, text, encoding, mark, end)

    assert read_names(form("list.txt", "plain.mp4\ntalk.mp4\n")) == {"plain.mp4", "talk.mp4"}
    assert read_clip_list(form("clips.txt", "a\ntrain/c\n"), "test") == {"test/a", "train/c"}
    for separator in (",", ";", "\t"):
        table = form("clips.csv", TABLE.replace(",", separator))
        assert read_clip_list(table, "test") == {"test/a", "train/c"}
        assert [row["clip"] for row in read_clips_table(table).good] == ["a", "c"]
        (row,) = read_metadata(form("metadata.csv", METADATA.replace(",", separator))).rows
        assert (row.video_id, row.end, row.line) == ("plain", 20, 2)
        ((result,), _) = read_file(form("leaderboard.csv", RESULTS.replace(",", separator)))
        assert (result.model, result.values) == ("lia", {"l1": 0.5})
        annotation = form("00001.txt", ANNOTATION.replace(" \t", separator))
        assert read_utterance(annotation, 1.0).last_frame == 2
    assert read_yaml(form("variant.yaml", "loss:\n  perceptual: 5\n")) == {"loss": {"perceptual": 5}}


@pytest.mark.parametrize(("encoding", "mark", "end"), FORMS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_of_videos_that_are_gone_is_gone_on_with(
    separator: str, encoding: str, mark: bytes, end: str, tmp_path: Path
) -> None:
    text = "video_id,reason\nabc,private\n".replace(",", separator)
    save(tmp_path / "unavailable.csv", text, encoding, mark, end)
    videos = UnavailableVideos(tmp_path)
    assert videos.reasons == {"abc": "private"}
    videos.add("def", "removed, by its owner")
    videos.add("ghi", "gone")
    assert read_unavailable(tmp_path) == {"abc": "private", "def": "removed, by its owner", "ghi": "gone"}


def test_the_list_of_a_public_report_names_two_videos(real_data: Path) -> None:
    assert read_list(real_data / "reports" / "lists" / "bom_two.txt") == ["plain.mp4", "talk.mp4"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\ufeffa.mp4\n\ufeffb.mp4\n", ["a.mp4", "b.mp4"]),
        ("a.mp4;;\nb.mp4;;\n", ["a.mp4", "b.mp4"]),
        ("a.mp4\t\t\nb.mp4\n", ["a.mp4", "b.mp4"]),
        ('"a.mp4"\r\n"b ""x"".mp4"\r\n', ["a.mp4", 'b "x".mp4']),
        ("a,\nb\n", ["a,", "b"]),
        ('"a"\nb\n', ['"a"', "b"]),
        ("  a.mp4 \n\n \t\n#b\n", ["a.mp4", "#b"]),
        ("a\u2028b\x85c\n", ["a\u2028b\x85c"]),
        ("", []),
    ],
)
def test_what_programs_put_around_a_column_of_names(text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(text.encode())
    assert read_list(tmp_path / "list.txt") == names


def test_a_separator_told_in_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfsep=;\r\nclip;a,b\r\n1;2\r\n")
    table = read_table(tmp_path / "a.csv")
    assert (table.columns, table.lines) == (("clip", "a,b"), ((3, ("1", "2")),))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("plain.mp4\nübung.mp4\n".encode("latin-1"), r"it is no UTF-8 text \(byte 0xfc in line 2\); save it as UTF-8"),
        ("übung.mp4\n".encode("utf-16")[:-1], "it is not text: UTF-16 that is damaged or cut short; save it as UTF-8"),
        (b"PK\x03\x04\0\0\0\0", "it is no text"),
        (bytes(range(256)), "it is no UTF-8 text"),
        (b"a.mp4\t3\nb.mp4\t4\n", "'a.mp4 3' is several cells; a list has one name a line"),
    ],
)
def test_what_cannot_be_read_is_named_for_what_it_is(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableTextError, match=reason) as caught:
        read_list(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"list\.txt: not readable as a list of names: "):
        read_names(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTextError, match=r"none: No such file") as caught:
        read_text(tmp_path / "none")
    assert caught.value.missing
    with pytest.raises(UnreadableTextError) as caught:
        read_text(tmp_path)
    assert not caught.value.missing


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1500,
        "a: " + "{b: " * 3000 + "1" + "}" * 3000,
        "a: " + "9" * 5000,
        "a: 2020-13-45",
        "a: !!timestamp x",
        "a: !!int ''",
        "a: !!float x",
        "a: !!bool x",
        "a: !!binary ü",
        "a: !!python/object:os.system x",
        "{[1]: 2}",
        "a: *b",
        "\tx: 1",
        "a: 'b",
        "a: \x07",
    ],
)
def test_malformed_yaml_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "variant.yaml").write_text(text)
    with pytest.raises(InputError, match=r"variant\.yaml: not readable as YAML: ") as caught:
        read_yaml(tmp_path / "variant.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("value", ["[" * 1500, "9" * 5000, "2020-13-45", "!!int ''"])
def test_malformed_settings_are_one_line(value: str) -> None:
    with pytest.raises(InputError, match="the value is not readable") as caught:
        parse_settings([f"a.b={value}"])
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="the values are not readable"):
        Axis.parse(f"a.b=1,{value}")
