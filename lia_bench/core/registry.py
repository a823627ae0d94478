"""Names to things: our own, found by folder, and those that other packages register by entry point."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar

from lia_bench.core.errors import LiaBenchError, UnknownNameError
from lia_bench.core.suggestions import unknown

Item = TypeVar("Item")


def load_attribute(reference: str) -> Any:
    """The object that 'package.module:attribute' names, imported now.

    Raises:
        LiaBenchError: there is no such object, or its module cannot be imported.
    """
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except LiaBenchError:
        raise
    except Exception as error:
        package = module.partition(".")[0]
        raise LiaBenchError(
            f"'{reference}' cannot be loaded: {error}; mend or reinstall the package {package}"
        ) from error


class Registry(Mapping[str, Item], Generic[Item]):
    """Every module or folder of a package that defines `attribute`, and every entry point of a group.

    A module's attribute is one item, or a tuple of several.

    Looking at a name imports only the module that defines it; those modules keep heavy imports out.

    >>> from lia_bench.models.specification import MODELS
    >>> MODELS["identity"].summary
    'puts out the source frame: the floor every trained model has to beat'
    >>> MODELS["fom"]
    Traceback (most recent call last):
    lia_bench.core.errors.UnknownNameError: unknown model 'fom': did you mean 'fomm'?
    """

    def __init__(self, kind: str, item: type[Item], package: ModuleType, attribute: str, group: str) -> None:
        """`kind` is what messages call an item ('model'); `group` is the entry-point group of plug-ins."""
        self.kind = kind
        self._item = item
        self._package = package
        self._attribute = attribute
        self._group = group
        self._items: dict[str, Item] | None = None

    def __getitem__(self, name: str) -> Item:
        items = self._load()
        if name not in items:
            raise UnknownNameError(unknown(self.kind, name, items))
        return items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def _load(self) -> dict[str, Item]:
        if self._items is None:
            items = dict(self._own())
            for point in entry_points(group=self._group):
                if point.name in items:
                    raise LiaBenchError(
                        f"the {self.kind} '{point.name}' is registered twice, the second time by {_origin(point)}: "
                        f"uninstall that package or rename its entry point"
                    )
                items[point.name] = self._plugged_in(point)
            self._items = dict(sorted(items.items()))
        return self._items

    def _own(self) -> Iterator[tuple[str, Item]]:
        for module in self._modules():
            found = getattr(importlib.import_module(module), self._attribute, ())
            for item in found if isinstance(found, tuple) else (found,):
                yield item.name, item

    def _modules(self) -> Iterator[str]:
        return (module.name for module in self._found())

    def _found(self) -> Iterator[pkgutil.ModuleInfo]:
        yield from pkgutil.iter_modules(self._package.__path__, self._package.__name__ + ".")

    def _plugged_in(self, point: EntryPoint) -> Item:
        try:
            item = point.load()
        except Exception as error:
            raise LiaBenchError(
                f"the {self.kind} '{point.name}' of {_origin(point)} cannot be loaded: {error}; "
                f"mend or uninstall that package"
            ) from error
        if not isinstance(item, self._item):
            raise LiaBenchError(
                f"{_origin(point)} registers as the {self.kind} '{point.name}' a {type(item).__name__}: "
                f"let its entry point name one {self._item.__name__}"
            )
        name: str = item.name  # type: ignore[attr-defined]
        if name != point.name:
            raise LiaBenchError(
                f"{_origin(point)} registers the {self.kind} '{name}' by the name "
                f"'{point.name}': give its entry point the name of the {self.kind}"
            )
        return item


class FolderRegistry(Registry[Item]):
    """A registry whose own items are folders alone; the modules beside them are not imported."""

    def _modules(self) -> Iterator[str]:
        return (module.name for module in self._found() if module.ispkg)


class TableRegistry(Registry[Item]):
    """A registry whose own items stand in one module, `package`, apart from what makes them."""

    def _modules(self) -> Iterator[str]:
        yield self._package.__name__


def _origin(point: EntryPoint) -> str:
    return f"package {point.dist.name}" if point.dist else point.value
