"""What was measured, as it is printed and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.processes import Measured

HEADINGS = ("what", "CPU s", "wall s", "peak GB", "ratio", "to", "remarks")


def _say(line: str) -> None:
    print(line, flush=True)


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        what: what was run.
        cpu_seconds: of all its processes.
        wall_seconds: from start to end.
        peak_bytes: resident memory of all its processes together.
        floor: what it is compared with, of the same run; empty where it is a floor itself.
        ratio: its CPU-seconds to those of the floor.
        remarks: such as rows a second, or disk.
    """

    what: str
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    floor: str = ""
    ratio: float | None = None
    remarks: str = ""

    def cells(self) -> list[str]:
        """Its row of the table."""
        return [
            self.what,
            f"{self.cpu_seconds:.1f}",
            f"{self.wall_seconds:.1f}",
            f"{self.peak_bytes / 1e9:.2f}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self.floor,
            self.remarks,
        ]


@dataclass
class Record:
    """The figures of a run of the benchmark, told as they come."""

    say: Callable[[str], None] = _say
    figures: list[Figure] = field(default_factory=list)

    def add(
        self, what: str, used: Measured, *floors: Figure, floor: str = "", remarks: str = ""
    ) -> Figure:
        """Keep a measurement; its floor is the sum of the figures named.

        Args:
            what: what was run.
            used: what it took.
            floors: figures of the same run that it is held against.
            floor: what these are called together; without it, the name of the only one.
            remarks: anything else.
        """
        least = sum(one.cpu_seconds for one in floors)
        figure = Figure(
            what,
            used.cpu_seconds,
            used.wall_seconds,
            used.peak_bytes,
            floor or (floors[0].what if floors else ""),
            used.cpu_seconds / least if least else None,
            remarks,
        )
        if not self.figures:
            self.say(row(HEADINGS))
            self.say("|---|---|---|---|---|---|---|")
        self.figures.append(figure)
        self.say(row(figure.cells()))
        return figure

    def as_json(self) -> list[dict[str, Any]]:
        """All figures, for programs."""
        return [asdict(figure) for figure in self.figures]


def row(cells: list[str] | tuple[str, ...]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
