"""What a bench yields."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured value and its bar; ``smaller`` is better for some. Without a bar it is only told."""

    name: str
    value: float
    unit: str
    bar: float | None
    smaller: bool
    details: str

    @property
    def good(self) -> bool:
        if self.bar is None:
            return True
        return self.value <= self.bar if self.smaller else self.value >= self.bar
