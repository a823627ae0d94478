"""The one list of columns: what is entered there is written, read, sorted, grouped, exported and on the page."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from lia_bench.leaderboards.board.groups import comparable
from lia_bench.leaderboards.printing.exports import as_csv
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, names_of
from lia_bench.leaderboards.results.csv_reading import read_file

WITH_NEW_COLUMNS = '''
import importlib.util, json, sys
from pathlib import Path

spec = importlib.util.find_spec("lia_bench.leaderboards.results.columns")
source = Path(spec.origin).read_text(encoding="utf-8")
entry = '    device: str = _text("where", lambda report, of: of.run.plan.device)\\n'
assert source.count(entry) == 1
source = source.replace(entry, entry + """
    host: str = _text("where", lambda report, of: f"host-of-{of.model.model}")
    joules: float | None = _score("lower", 2, "of energy", "host", lambda report, of: 1.5 * len(of.clips))
""")
columns = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = columns
exec(compile(source, spec.origin, "exec"), columns.__dict__)

from lia_bench.leaderboards.board.board import View, measured_board
from lia_bench.leaderboards.html.report import write_report
from lia_bench.leaderboards.printing.exports import FORMATS
from lia_bench.leaderboards.printing.terminal import print_board
from tests.leaderboards.toy_results import ToyResults, write_results

folder = write_results(Path(sys.argv[1]) / "toy", ToyResults(clips=2, tasks=("reconstruction",), videos=False))
board = measured_board([folder], View(sort="joules", group="host"))
assert [group.setting["host"] for group in board.groups] == ["host-of-lia", "host-of-fomm", "host-of-identity"]
assert board.columns[-1] == "joules"
board = measured_board([folder])
print_board(board)
for export in FORMATS.values():
    print(export(board.groups, board.columns, False))
print(write_report([folder]).index.read_text(encoding="utf-8"))
print((folder / "per_clip.csv").read_text(encoding="utf-8"))
'''


def test_every_column_is_read_as_it_was_written(tmp_path: Path) -> None:
    texts: dict[str, Any] = {name: f"a {name}" for name in names_of("text")}
    texts |= {"date": "2026-01-02T03:04:05Z", "origin": "published"}
    counts: dict[str, Any] = {name: 3 + place for place, name in enumerate(names_of("count"))}
    scores: dict[str, Any] = {name: 1.5 + place for place, name in enumerate(names_of("score"))}
    row = ResultRow(
        **texts,
        **counts,
        **scores,
        values={"l1": 0.12},
        intervals={"l1": (0.1, 0.14)},
        printed={"l1": "0.120"},
        counts={"l1": (30, 2)},
    )
    path = tmp_path / "leaderboard.csv"
    path.write_text(as_csv(comparable([row]), ["l1", *scores], True), encoding="utf-8")
    (found,), problems = read_file(path)
    assert not problems
    assert {**vars(found), "file": None} == vars(row)
    assert texts.keys() | counts.keys() | scores.keys() == COLUMNS.keys()


def test_a_new_column_is_one_entry(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH_NEW_COLUMNS, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed, others = done.stdout.split("### ")[0], done.stdout
    assert "joules ↓" in printed
    assert "3.00" in printed
    assert "joules: not ranked, measured on several hosts: host-of-lia (lia)" in printed
    assert '"joules"' in others
    assert others.count("host-of-identity") > 5
