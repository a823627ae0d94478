"""The published tables: fetched once, held to their hash, and read whole."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.clip_table import TABLES, PublishedTable, locate_table, read_metadata, table_path
from tests.conftest import golden
from tests.local_server import LocalServer, serve

CONTENT = b"video_id,start,end,bbox,fps,width,height,partition\nabc,0,64,1-2-3-4,25,640,360,train\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    with serve() as local:
        local.files = {"vox.csv": CONTENT}
        yield local


def _table(server: LocalServer) -> PublishedTable:
    return PublishedTable("vox", f"{server.address}/vox.csv")


def test_a_table_is_fetched_once(server: LocalServer, tmp_path: Path) -> None:
    path = locate_table(_table(server))
    assert path == tmp_path / "home" / "tables" / "vox-metadata.csv"
    assert path.read_bytes() == CONTENT
    server.files["vox.csv"] = CONTENT + b"def,0,64,1-2-3-4,25,640,360,train\n"
    assert locate_table(_table(server)).read_bytes() == CONTENT
    assert server.count("vox.csv") == 1
    assert sorted(file.name for file in path.parent.iterdir()) == ["vox-metadata.csv", "vox-metadata.csv.sha256"]


def test_a_changed_table_is_refused_until_it_is_fetched_anew(server: LocalServer) -> None:
    path = locate_table(_table(server))
    path.write_bytes(CONTENT.replace(b"64", b"65"))
    with pytest.raises(InputError, match=r"vox-metadata\.csv: the table has changed .*remove the file") as error:
        locate_table(_table(server))
    assert "\n" not in str(error.value)
    path.unlink()
    server.files["vox.csv"] = CONTENT.replace(b"64", b"66")
    assert locate_table(_table(server)).read_bytes() == CONTENT.replace(b"64", b"66")


@pytest.mark.parametrize("fault", [404, 500, "cut"])
def test_a_table_that_cannot_be_fetched(fault: int | str, server: LocalServer) -> None:
    server.faults = {"vox.csv": [fault]}
    with pytest.raises(InputError, match=r"vox\.csv cannot be fetched \(.+\); fetch it .* with --metadata") as error:
        locate_table(_table(server))
    assert "\n" not in str(error.value)
    assert not _table(server).path.exists()
    assert locate_table(_table(server)).read_bytes() == CONTENT


def test_without_a_network(server: LocalServer) -> None:
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/vox\.csv cannot be fetched"):
        locate_table(PublishedTable("vox", "http://127.0.0.1:9/vox.csv"))


def test_a_page_that_is_no_table_is_not_kept(server: LocalServer) -> None:
    server.files["vox.csv"] = b"<html>Please sign in to this network</html>"
    with pytest.raises(InputError, match="what came is no table of clips"):
        locate_table(_table(server))
    assert not _table(server).path.exists()


def test_a_table_put_there_by_hand_is_taken(server: LocalServer) -> None:
    path = TABLES["taichi"].path
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert table_path("taichi") == path
    path.write_bytes(CONTENT.replace(b"64", b"65"))
    with pytest.raises(InputError, match="the table has changed"):
        table_path("taichi")


@pytest.mark.parametrize("name", list(TABLES))
def test_the_published_tables_are_read_whole(name: str, real_data: Path) -> None:
    facts = golden("preprocess")["metadata_facts"][name]
    table = read_metadata(real_data / "metadata" / TABLES[name].address.rpartition("/")[2])
    rows = table.rows
    assert table.unusable == ()
    assert len(rows) == facts["rows"]
    assert Counter(row.partition for row in rows) == facts["rows_per_partition"]
    videos = {
        partition: {row.video_id for row in rows if row.partition == partition} for partition in ("train", "test")
    }
    assert {partition: len(found) for partition, found in videos.items() if found} == facts["videos_per_partition"]
    assert len(videos["train"] & videos["test"]) == facts["videos_in_both_partitions"]
    assert len(videos["train"] | videos["test"]) == facts["videos"]
    assert len(rows) - len({tuple(row.text.items()) for row in rows}) == facts["duplicate_rows"]
    assert sorted({row.fps for row in rows}) == facts["fps_values"]
    assert [min(row.end - row.start for row in rows), max(row.end - row.start for row in rows)] == [
        facts["clip_length"]["min"],
        facts["clip_length"]["max"],
    ]
    if "persons" in facts:
        assert len({row.person_id for row in rows}) == facts["persons"]
