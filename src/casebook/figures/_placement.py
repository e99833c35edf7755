"""Where a span goes whose start, end and length are only bounded."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from casebook.errors import CasebookError

ROUNDING = 1e-9  # days


@dataclass(frozen=True)
class Placement:
    """Where a span is drawn: what it surely covers, what it may cover, and the outline of an extreme possible place."""

    certain: tuple[float, float] | None = None
    possible: tuple[tuple[float, float], ...] = ()
    outline: tuple[float, float] | None = None
    open_left: float | None = None  # an arrow starts here, to the left
    open_right: float | None = None

    @property
    def extent(self) -> tuple[float, float] | None:
        """From the first to the last day that anything is drawn on."""
        places = [x for pair in (self.certain, self.outline, *self.possible) if pair for x in pair]
        places += [x for x in (self.open_left, self.open_right) if x is not None]
        return (min(places), max(places)) if places else None


def tighten(start, end, length):
    """The bounds of start, end and length, each narrowed by end = start + length; None if they contradict each other."""
    (sl, su), (el, eu), (ll, lu) = start, end, length
    ll = max(ll, 0.0)
    for _ in range(2):
        sl, su = max(sl, el - lu if isfinite(lu) else -inf), min(su, eu - ll)
        el, eu = max(el, sl + ll), min(eu, su + lu if isfinite(lu) else inf)
        ll = max(ll, el - su if isfinite(el) and isfinite(su) else 0.0)
        lu = min(lu, eu - sl if isfinite(eu) and isfinite(sl) else inf)
    # Sums of fractions of a day differ in their last digit: that is no contradiction.
    if sl > su + ROUNDING or el > eu + ROUNDING or ll > lu + ROUNDING:
        return None
    su, eu, lu = max(sl, su), max(el, eu), max(ll, lu)
    return (sl, su), (el, eu), (ll, lu)


def place(start, end, length=(0.0, inf)) -> Placement:
    """How a span with these bounds is drawn.

    A span that no printed day ties down on one side is drawn at the last (or first) place it can have, as an outline with
    an arrow to where it may also be. Where nothing bounds it, nothing is drawn.
    """
    tight = tighten(start, end, length)
    if tight is None:
        raise CasebookError(f"a span with start {start}, end {end} and length {length} cannot be")
    (sl, su), (el, eu), (_ll, lu) = tight
    if sl == el == -inf and isfinite(eu):
        slack = ((eu - lu, su),) if isfinite(lu) and isfinite(su) and eu - lu < su else ()
        outline = (su, eu) if isfinite(su) else None
        return Placement(possible=slack, outline=outline, open_left=min(su, eu - lu) if isfinite(lu) else su)
    if su == eu == inf and isfinite(sl):
        slack = ((el, sl + lu),) if isfinite(lu) and el < sl + lu else ()
        return Placement(possible=slack, outline=(sl, el), open_right=sl + lu if isfinite(lu) else el)
    known = [x for x in (sl, su, el, eu) if isfinite(x)]
    if not known:
        return Placement()
    certain = (su, el) if isfinite(su) and isfinite(el) and su < el else None
    left, right = certain or (max(su, el) if isfinite(su) and isfinite(el) else known[0],) * 2
    possible = tuple(
        pair
        for pair in ((sl, left), (right, eu))
        if isfinite(pair[0]) and isfinite(pair[1]) and pair[0] < pair[1]
    )
    return Placement(
        certain=certain,
        possible=possible,
        open_left=left if sl == -inf else None,
        open_right=right if eu == inf else None,
    )
