"""Marks side by side on a strip: each at its place along it, moved across it until none hides another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

STEP = 0.5  # points
GAP = 1.2  # points between two marks


@dataclass(frozen=True)
class Item:
    """A mark ``x`` points along the strip that reaches ``half`` points each way, with words beside it or none."""

    x: float
    half: float
    words_wide: float = 0.0
    words_high: float = 0.0


@dataclass(frozen=True)
class Place:
    """How far across the strip a mark was moved, in points upwards, and where its words begin, in points along the strip."""

    across: float
    words: float | None = None


def _meet(one: Item, here: Place, two: Item, there: Place) -> bool:
    """Whether two marks, or a mark and the other's words, or the words of both, come closer than the gap."""
    if (one.x - two.x) ** 2 + (here.across - there.across) ** 2 < (one.half + two.half + GAP) ** 2:
        return True

    def box(item: Item, place: Place):
        if place.words is None:
            return None
        half = item.words_high / 2
        return place.words, place.across - half, place.words + item.words_wide, place.across + half

    def disc(item: Item, place: Place):
        return item.x - item.half, place.across - item.half, item.x + item.half, place.across + item.half

    pairs = [
        (box(one, here), disc(two, there)),
        (disc(one, here), box(two, there)),
        (box(one, here), box(two, there)),
    ]
    return any(
        a and b and a[0] < b[2] + GAP and b[0] < a[2] + GAP and a[1] < b[3] and b[1] < a[3] for a, b in pairs
    )


def swarm(items: Sequence[Item], left: float, right: float, beside: float = 4.0) -> list[Place]:
    """A place for each item: the largest first, each as near to the middle of the strip as those before it allow.

    Words stand ``beside`` points right of their mark, or left of it, within ``left`` and ``right``.
    """
    placed: dict[int, Place] = {}
    order = sorted(range(len(items)), key=lambda i: (-items[i].half, items[i].x, i))
    for i in order:
        item = items[i]
        starts: list[float | None] = [None]
        if item.words_wide:
            sides = [item.x + item.half + beside, item.x - item.half - beside - item.words_wide]
            inside = [x for x in sides if left <= x and x + item.words_wide <= right]
            starts = inside or [max(left, min(sides[0], right - item.words_wide))]
        tries = (
            Place(sign * step * STEP, start)
            for step in count()
            for sign in ((1, -1) if step else (1,))
            for start in starts
        )
        placed[i] = next(
            tried
            for tried in tries
            if not any(_meet(item, tried, items[j], other) for j, other in placed.items())
        )
    return [placed[i] for i in range(len(items))]
