"""Where things are, and which way they depend on each other: read from the text of the modules, nothing is imported."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("lia_bench", "models", "preprocessing", "metrics", "leaderboards")
MODELS = "lia_bench.models"
NO_MODELS = (f"{MODELS}.blocks", f"{MODELS}.training", f"{MODELS}.export")

MAY_IMPORT = {
    "lia_bench.core": (),
    "lia_bench.models": ("core",),
    "lia_bench.preprocessing": ("core",),
    "lia_bench.metrics": ("core",),
    "lia_bench.leaderboards": ("core", "models", "metrics"),
    "lia_bench.animation": ("core", "models", "preprocessing", "metrics"),
    "lia_bench.studio": ("core", "models", "preprocessing", "metrics", "leaderboards", "animation"),
}
"""Of each part: what it may import beside itself. What is not here (`cli`, the package itself) may import all."""

LINES = 350
MODULES = 390
MODULES_OF_A_FOLDER = 20
NAMES_OF_VERBS = 40


When = Literal["at once", "in a function", "never"]


class Import(NamedTuple):
    """One of a module's imports of another module of ours, and when it runs."""

    module: str
    line: int
    when: When


@cache
def modules() -> dict[str, Path]:
    """The package's modules by their full names."""
    return {name_of(path): path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))}


def name_of(path: Path) -> str:
    """As it is installed: the four folders stand inside the package."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    inside = parts if parts[0] == "lia_bench" else ("lia_bench", *parts)
    return ".".join(inside[:-1] if inside[-1] == "__init__" else inside)


@cache
def imports_of(name: str) -> tuple[Import, ...]:
    """Of one module, those of modules of ours."""
    return tuple(imports_in(ast.parse(modules()[name].read_text(encoding="utf-8")).body, "at once"))


def imports_in(statements: Iterable[ast.AST], when: When) -> Iterator[Import]:
    """Of statements and what stands in them; what is under TYPE_CHECKING never runs."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").partition(".")[0] == "lia_bench":
            for imported in statement.names:
                inner = f"{statement.module}.{imported.name}"
                yield Import(inner if inner in modules() else str(statement.module), statement.lineno, when)
        elif isinstance(statement, ast.Import):
            for imported in statement.names:
                if imported.name in modules():
                    yield Import(imported.name, statement.lineno, when)
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from imports_in(statement.body, "never")
            yield from imports_in(statement.orelse, when)
        else:
            inside: When = "in a function" if isinstance(statement, ast.FunctionDef) and when == "at once" else when
            yield from imports_in(ast.iter_child_nodes(statement), inside)


def lies_in(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def model_of(name: str) -> str | None:
    """The folder of models/ that a module belongs to, if that folder is a model."""
    if not lies_in(name, MODELS) or lies_in(name, *NO_MODELS):
        return None
    folder = ".".join(name.split(".")[:3])
    return folder if folder in modules() and modules()[folder].name == "__init__.py" and folder != MODELS else None


def shown(name: str, line: int | None = None) -> str:
    path = str(modules()[name].relative_to(REPOSITORY))
    return path if line is None else f"{path}:{line}"


def circles() -> list[list[str]]:
    """Modules that need each other, at once or when a function runs, by Tarjan's algorithm, each circle sorted."""
    graph = {name: sorted({one.module for one in imports_of(name) if one.when != "never"}) for name in modules()}
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        path.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
            if other in path:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            circle = path[path.index(name) :]
            del path[path.index(name) :]
            if len(circle) > 1 or name in graph[name]:
                found.append(sorted(circle))

    for name in graph:
        if name not in order:
            visit(name)
    return found


def test_no_modules_need_each_other_in_a_circle() -> None:
    found = [" <-> ".join(shown(name) for name in circle) for circle in circles()]
    assert not found, "move what both need into a module that both import:\n" + "\n".join(found)


def test_dependencies_point_one_way() -> None:
    wrong = [
        f"{shown(name, one.line)} imports {one.module}"
        for name in modules()
        for part, others in MAY_IMPORT.items()
        if lies_in(name, part)
        for one in imports_of(name)
        if not lies_in(one.module, part, *(f"lia_bench.{other}" for other in others))
    ]
    said = (
        "core <- preprocessing, models, metrics <- leaderboards, animation <- studio <- cli; move what both need down"
    )
    assert not wrong, f"{said}:\n" + "\n".join(wrong)


def test_a_model_is_imported_by_no_other_one_and_by_nothing_shared() -> None:
    wrong = [
        f"{shown(name, one.line)} imports {one.module}"
        for name in modules()
        if lies_in(name, MODELS)
        for one in imports_of(name)
        if (model := model_of(one.module)) is not None and model != model_of(name)
    ]
    assert not wrong, "move what models share to models/blocks or models/training:\n" + "\n".join(wrong)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_module_can_be_read_at_once(folder: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (REPOSITORY / folder).rglob("*.py")}
    long = [f"{path.relative_to(REPOSITORY)}: {count}" for path, count in lengths.items() if count > LINES]
    assert not long, f"modules of more than {LINES} lines; move one of their ideas out:\n" + "\n".join(long)


def test_the_package_has_no_more_modules_than_a_reader_can_find_the_way_in() -> None:
    count = len(modules())
    assert count <= MODULES, f"{count} modules, {MODULES} at most: put what a single neighbour uses beside it"


def test_a_folder_can_be_looked_over() -> None:
    counts = Counter(str(path.parent.relative_to(REPOSITORY)) for path in modules().values())
    full = [
        f"{folder}: {count}"
        for folder, count in counts.items()
        if folder.startswith(("leaderboards", "preprocessing")) and count > MODULES_OF_A_FOLDER
    ]
    assert not full, f"more than {MODULES_OF_A_FOLDER} modules, merge some or make a folder:\n" + "\n".join(full)


def test_nouns_name_modules() -> None:
    verbs = [shown(name) for name, path in modules().items() if path.stem.endswith("ing")]
    assert len(verbs) <= NAMES_OF_VERBS, (
        f"{len(verbs)} modules are named by a verb, {NAMES_OF_VERBS} at most; name one by what it holds:\n"
        + "\n".join(verbs)
    )
