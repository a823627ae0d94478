"""Which experiments there are: our own by file, and those that other packages register by entry point."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.registry import Registry
from lia_bench.leaderboards import experiments
from lia_bench.leaderboards.experiments.schema import Experiment


@dataclass(frozen=True)
class ExperimentFile:
    """The file of an experiment, which its name is that of."""

    name: str
    path: Path


class _Files(Registry[ExperimentFile]):
    """Files in place of modules."""

    def _own(self) -> Iterator[tuple[str, ExperimentFile]]:
        for path in sorted((Path(__file__).parent / "papers").glob("*.yaml")):
            yield path.stem, ExperimentFile(path.stem, path)


EXPERIMENTS = _Files("experiment", ExperimentFile, experiments, "", "lia_bench.experiments")


def find_experiment(name: str) -> Experiment:
    """The experiment of that name, or of the YAML file of that path.

    Raises:
        UnknownNameError: there is none.
        InputError: its file says something that cannot be.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return Experiment(Path(name))
    return Experiment(EXPERIMENTS[name].path)
