"""`lia-bench evaluate`."""

from pathlib import Path

import pytest

from lia_bench.cli.main import run
from tests.leaderboards.toys import write_dataset


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--help"], debug=False) == 0
    assert "lia-bench evaluate --models lia,fomm" in capsys.readouterr().out


def test_it_prints_the_table_and_where_the_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "toys")
    monkeypatch.chdir(tmp_path)
    words = "evaluate --models identity --dataset toys --task reconstruction --metrics l1,ssim --device cpu"
    assert run(words.split(), debug=False) == 0
    printed = capsys.readouterr().out
    assert "identity" in printed
    table = Path("results") / "toys-16-l1-ssim" / "leaderboard.csv"
    assert f"leaderboard: {table}" in printed
    assert table.is_file()
    (video,) = [line for line in printed.splitlines() if line.startswith("side by side: ")]
    assert Path(video.removeprefix("side by side: ")).is_file()


def test_a_clip_that_cannot_be_read_makes_it_fail_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "toys")
    (tmp_path / "toys" / "test" / "bob#1" / "0000001.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    words = "evaluate --models identity --dataset toys --metrics l1 --no-videos --name x --limit 3"
    assert run(words.split(), debug=False) == 1
    shown = capsys.readouterr()
    assert "identity" in shown.out
    assert "bob#1" in shown.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--models identiti --dataset toys", "did you mean 'identity'"),
        ("--models identity --dataset toyz", "toyz"),
        ("--models identity@nowhere --dataset toys", "nowhere"),
        ("--models identity --dataset toys --metrics lpip", "did you mean 'lpips'"),
    ],
)
def test_mistakes_are_one_line(
    words: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "data" / "toys")
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", *words.split()], debug=False) == 1
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith("error: ")
    assert hint in line
    assert not (tmp_path / "results").exists()
