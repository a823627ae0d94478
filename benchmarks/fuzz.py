"""Damaged files and wrong options by the thousand: what commands make of them, counted.

python -m benchmarks.fuzz --cases 5000             half of them files, half options; a few minutes on an idle core
python -m benchmarks.fuzz --seed 1234 --cases 1    one file again; with --options one option
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from tests.fuzz.laboratory import Laboratory, Verdict
from tests.fuzz.options import option_case
from tests.fuzz.targets import TARGETS
from tests.fuzz.trials import without_a_world
from tests.fuzz.world import build_world

OUTCOMES = ("refused", "stopped", "right", "unknowable")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--kind", help="only files of this kind")
    parser.add_argument("--files", action="store_true", help="no options")
    parser.add_argument("--options", action="store_true", help="no files")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        build_world(Path(folder) / "world", os.chdir)
        place = Path(folder) / "place"
        place.mkdir()
        with without_a_world():
            laboratory = Laboratory(Path(folder) / "world", place, os.chdir)
            verdicts = tried(laboratory, arguments)
        os.chdir(here)
    report(verdicts)


def tried(laboratory: Laboratory, arguments: argparse.Namespace) -> list[Verdict]:
    """Every case's verdict; faults are printed as they come."""
    targets = [target for target in TARGETS if arguments.kind in (None, target.kind)]
    verdicts = []
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        if arguments.options or (seed % 2 and not arguments.files and not arguments.kind and arguments.cases > 1):
            verdict = laboratory.try_option(option_case(seed))
        else:
            verdict = laboratory.try_file(laboratory.file_case(seed, targets))
        verdicts.append(verdict)
        if verdict.is_fault or arguments.cases == 1:
            print(verdict, flush=True)
    return verdicts


def report(verdicts: list[Verdict]) -> None:
    """Counts by kind of file, or command, and outcome, as Markdown."""
    faults = sorted({verdict.outcome for verdict in verdicts if verdict.is_fault})
    columns = [*OUTCOMES, *faults]
    counts = Counter((verdict.case.subject, verdict.outcome) for verdict in verdicts)
    counts += Counter(("all", verdict.outcome) for verdict in verdicts)
    print("\n| |", " | ".join(columns), "|")
    print("| --- |", " | ".join("---:" for _ in columns), "|")
    for subject in dict.fromkeys(sorted(subject for subject, _ in counts)):
        print(f"| {subject} |", " | ".join(str(counts[subject, column]) for column in columns), "|")
    slowest = max(verdicts, key=lambda verdict: verdict.ending.seconds)
    seconds = f"{time.process_time():.0f} s of processor time; the slowest took {slowest.ending.seconds:.1f} s"
    print(f"\n{len(verdicts)} cases, {seconds}: {slowest.case}")


if __name__ == "__main__":
    main()
