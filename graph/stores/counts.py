"""How many nodes and relationships a graph on a server has: counted when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graph.schema import NODES, RELATIONSHIPS


class Counts(Mapping[str, int]):
    """The count of each label and type. A server reads all that it counts, so it is asked only for what is needed.

    count: the counts of one name, or of more where they come together. What was counted stays as it was.
    """

    def __init__(self, count: Callable[[str], Mapping[str, int]]) -> None:
        self._count = count
        self._held: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        return name in NODES or name in RELATIONSHIPS

    def __getitem__(self, name: str) -> int:
        if name not in self:
            raise KeyError(name)
        if name not in self._held:
            self._held |= self._count(name)
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*NODES, *RELATIONSHIPS))

    def __len__(self) -> int:
        return len(NODES) + len(RELATIONSHIPS)
