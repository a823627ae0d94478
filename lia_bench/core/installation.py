"""What of the packages that this project names is installed here, and whether it can be imported."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from lia_bench.core.console import progress
from lia_bench.core.extras import system_packages

if TYPE_CHECKING:
    from packaging.requirements import Requirement

EXTRAS = {
    "download": "datasets whose footage is fetched from the web, and checkpoints from Google Drive",
    "ray": "preprocessing on a cluster (preprocess --ray)",
    "bair": "the records of BAIR robot pushing (preprocess bair)",
    "export": "models as ONNX graphs (models export)",
    "openvino": "exported models in OpenVINO (animate --runtime openvino)",
    "study": "the server of preference studies (study serve)",
    "theval": "lips in speech and in silence (score --protocol theval)",
    "benchmarks": "plain forms that metrics and preprocessing are measured against (benchmarks/)",
    "studio": "the page to animate, edit and compare in (studio)",
}
"""The extras that users install, and what each gives."""


@dataclass(frozen=True)
class Package:
    """One of the packages.

    Attributes:
        name: of the distribution.
        extra: the extra that brings it; empty for what is always installed.
        version: None where it is not installed.
        trouble: why it is of no use here; empty where it is of use.
    """

    name: str
    extra: str
    version: str | None
    trouble: str


def packages() -> list[Package]:
    """Every package that is named for this machine, those of `EXTRAS` included; each is imported once, elsewhere."""
    from packaging.requirements import Requirement

    found: dict[str, Package] = {}
    for line in metadata.requires("lia-bench") or ():
        requirement = Requirement(line)
        for extra in ("", *EXTRAS):
            if requirement.name not in found and (
                requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            ):
                found[requirement.name] = _package(requirement, extra)
    modules = _modules(name for name, package in found.items() if not package.trouble)
    titled = progress(import_troubles(list(modules.values())), title="importing", total=len(modules), unit="package")
    troubles = dict(titled)
    return [
        Package(each.name, each.extra, each.version, each.trouble or troubles.get(modules.get(each.name, ""), ""))
        for each in found.values()
    ]


def _package(requirement: "Requirement", extra: str) -> Package:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Package(requirement.name, extra, None, "not installed")
    old = not requirement.specifier.contains(version, prereleases=True)
    return Package(requirement.name, extra, version, f"{requirement.specifier} is asked for" if old else "")


def _modules(names: Iterable[str]) -> dict[str, str]:
    """The module that each distribution is imported by; none for those that have none."""
    wanted = {name.lower().replace("_", "-"): name for name in names}
    found: dict[str, list[str]] = {}
    for module, distributions in metadata.packages_distributions().items():
        for distribution in distributions:
            name = wanted.get(distribution.lower().replace("_", "-"))
            if name and module.isidentifier() and not module.startswith("_"):
                found.setdefault(name, []).append(module)
    # Some bring further modules; theirs is called like them, or else has the shortest name.
    return {
        name: min(modules, key=lambda module: (module != name.replace("-", "_"), len(module)))
        for name, modules in found.items()
    }


def import_troubles(modules: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each of `modules` and what its import ended in, empty where it worked.

    In another process, since a broken library may end the process that loads it.
    """
    waiting = list(modules)
    while waiting:
        words = [sys.executable, "-m", "lia_bench.core.installation", *waiting]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith(_MARK):
                    module, trouble = json.loads(line.removeprefix(_MARK))
                    waiting.remove(module)
                    yield module, trouble
        if waiting:
            yield waiting.pop(0), f"importing it ends the process (exit code {child.returncode})"


_MARK = b"imported: "


def _import_each(modules: Sequence[str]) -> None:
    for module in modules:
        trouble = ""
        try:
            importlib.import_module(module)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            way_out = system_packages(said)
            trouble = f"cannot be imported: {type(error).__name__}: {said}{'; ' if way_out else ''}{way_out}"
        # On lines of their own: libraries print, too.
        print(f"\n{_MARK.decode()}{json.dumps([module, trouble])}", flush=True)


if __name__ == "__main__":
    _import_each(sys.argv[1:])
