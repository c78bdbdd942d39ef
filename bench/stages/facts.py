"""What a stage says of itself for stage.json, as plain JSON by name."""

from __future__ import annotations


class Facts(dict[str, object]):
    """Numbers, words and lists by name, gathered while the stage is made."""

    def add(self, name: str, number: int) -> None:
        """Add to a number, which begins at 0."""
        before = self.get(name, 0)
        self[name] = number + (before if isinstance(before, int) else 0)

    def append(self, name: str, value: object) -> None:
        """Append to a list, which begins empty."""
        self[name] = [*self.listed(name), value]

    def listed(self, name: str) -> list[object]:
        """The list of a name; empty where there is none."""
        found = self.get(name)
        return list(found) if isinstance(found, list) else []
