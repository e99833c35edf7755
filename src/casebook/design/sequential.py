"""Group-sequential tests: boundaries for looks at growing information, and how probably they are crossed.

The statistic is a Brownian motion seen at fractions t of the planned information: ``Z = B(t) / sqrt(t)`` is standard normal
but for a drift, ``E[Z] = drift * sqrt(t)``, so that the drift is what Z is expected to be at the planned end. That holds for
the log-rank statistic with information in events, for differences of means and, in large studies, of proportions.

Probabilities are found look by look by integrating the density of those who have not stopped (Armitage, McPherson and Rowe
1969), here by Gauss and Legendre's rule on pieces as narrow as the step between looks makes necessary.

Papers and tables are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from casebook.design.arms import LARGEST, checked_ratio
from casebook.design.events import critical, schoenfeld, treated_share
from casebook.design.exact import checked_alpha, checked_inside
from casebook.errors import CasebookError
from casebook.trials.rates import as_array

if TYPE_CHECKING:
    import pandas as pd

Spending = Literal["obrien-fleming", "pocock"]

MOST_LOOKS = 100
CLOSEST = 0.001
"""The least that two looks may be apart, as a share of the information at the last."""

NEGLIGIBLE = 1e-13
"""A probability too small for the integration: a look with less to spend does not stop, and leaves it to the next."""

LEAST_ALPHA = 1e-9
"""The least error of one side whose boundaries are found to the precision that is promised."""

MOST_DRIFT = 1e6
"""No larger drift is asked about, either way: the first look then decides."""

REACH = 9.0
"""Standard deviations to which a density is integrated: less than 1e-18 lies beyond."""

POINTS, PIECE = 12, 2.0
"""Points of the rule on each piece, and the width of a piece in standard deviations of the narrowest step."""


@dataclass(frozen=True)
class Boundaries:
    """Where a group-sequential test stops: at Z of ``upper`` or more, or of ``lower`` or less.

    Parameters
    ----------
    fractions : sequence of float, length k
        Of the planned information, at each look, ascending; above 1 where more came than was planned.
    upper, lower : sequence of float, length k
        Critical values of Z; infinite where a look cannot stop the study. The lower may be a boundary of futility.

    Raises
    ------
    CasebookError
        If fractions are not 1 to :data:`MOST_LOOKS` ascending numbers above 0, :data:`CLOSEST` of the last apart, or a
        boundary has not one number for each, the lower at most the upper.
    """

    fractions: Sequence[float]
    upper: Sequence[float]
    lower: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fractions", tuple(_checked_fractions(self.fractions).tolist()))
        for name in ("upper", "lower"):
            values = as_array(getattr(self, name))
            if values.dtype.kind not in "iuf" or values.shape != (self.looks,) or np.isnan(values).any():
                raise CasebookError(
                    f"{name}: found {getattr(self, name)!r}, expected a number for each of {self.looks} looks"
                )
            object.__setattr__(self, name, tuple(values.astype(float).tolist()))
        for fraction, low, high in zip(self.fractions, self.lower, self.upper, strict=True):
            if low > high:
                raise CasebookError(
                    f"lower: found {low:g} at {fraction:g}, expected at most the upper, {high:g}"
                )

    @property
    def looks(self) -> int:
        """How many there are."""
        return len(self.fractions)


class Crossing(NamedTuple):
    """Probabilities of crossing each boundary first at each look, arrays of shape (k,), and of crossing none."""

    upper: np.ndarray
    lower: np.ndarray
    none: float


# -- boundaries ---------------------------------------------------------------------------------------------------


def spent(
    fractions: Sequence[float], alpha: float, spending: Spending | Callable = "obrien-fleming"
) -> np.ndarray:
    """The type I error of one side that may have been spent at each fraction of information (Lan and DeMets 1983).

    ``"obrien-fleming"`` is ``2 - 2 Phi(z(1 - alpha/2) / sqrt(t))``, ``"pocock"`` ``alpha log(1 + (e - 1) t)``. From 1 on all
    of alpha is spent.

    Parameters
    ----------
    fractions : sequence of float, length k
        Of the planned information, ascending.
    alpha : float
        Of one side.
    spending : str or callable
        Of a fraction from 0 to 1, the share of alpha that may have been spent; 0 at 0, 1 at 1, never falling.

    Returns
    -------
    ndarray, shape (k,)

    Raises
    ------
    CasebookError
        If fractions are not as :class:`Boundaries` has them, alpha is not strictly between 0 and 1, or the spending is
        unknown, falls, or is not from 0 to 1.
    """
    fractions, alpha = _checked_fractions(fractions), checked_alpha(alpha)
    planned = np.minimum(fractions, 1.0)
    if callable(spending):
        shares = np.array([float(spending(float(t))) for t in planned])
        if not np.all((shares >= 0) & (shares <= 1)) or np.any(np.diff(shares) < 0):
            raise CasebookError(
                f"spending: found the shares {shares.tolist()}, expected them to rise from 0 to 1"
            )
        return alpha * np.where(planned == 1, 1.0, shares)
    if not isinstance(spending, str) or spending not in SPENDING:
        raise CasebookError(
            f"spending: found {spending!r}, expected a function or one of {', '.join(map(repr, SPENDING))}"
        )
    return np.where(planned == 1, alpha, SPENDING[spending](planned, alpha))


SPENDING: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "obrien-fleming": lambda t, alpha: 2 * ndtr(ndtri(alpha / 2) / np.sqrt(t)),
    "pocock": lambda t, alpha: alpha * np.log1p((math.e - 1) * t),
}
"""Spending functions of one side's alpha."""


def error_spending(
    fractions: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
    spending: Spending | Callable = "obrien-fleming",
    ended: bool = False,
) -> Boundaries:
    """Boundaries that spend the type I error as information comes in, whenever the looks are (Lan and DeMets 1983).

    Looks need not be those planned: one that was skipped leaves its error to the next, and one that comes with more than
    the planned information has all that is left. Later looks do not change the boundaries of earlier ones.

    Parameters
    ----------
    fractions : sequence of float, length k
        Of the planned information, at the looks so far.
    alpha : float
        The type I error, in all.
    sides : int
        1: only an upper boundary. 2: half of alpha on each side, and the boundaries symmetric.
    spending : str or callable
        As of :func:`spent`.
    ended : bool
        The last of these looks is the end though less information came than was planned: it spends all that is left.

    Raises
    ------
    CasebookError
        As :func:`spent`; and if sides are not 1 or 2, or one side has half or more to spend, or less than :data:`LEAST_ALPHA`.
    """
    alpha = _one_sided(alpha, sides)
    may = spent(fractions, alpha, spending)
    if ended:
        may[-1] = alpha
    from scipy.optimize import brentq

    fractions = _checked_fractions(fractions)
    upper = np.full(fractions.size, np.inf)
    gone = 0.0

    def choose(look: int, beyond: Callable[[float], float]) -> tuple[float, float]:
        nonlocal gone
        left = may[look] - gone
        if left >= NEGLIGIBLE:
            # Crossing now, not having before, is no likelier than without looks before.
            most = -float(ndtri(left)) + 1
            least = 0.0 if sides == 2 else -REACH
            upper[look] = brentq(lambda z: beyond(z) / left - 1, least, most, xtol=1e-13, rtol=1e-14)
            gone = may[look]
        return (-upper[look] if sides == 2 else -np.inf), upper[look]

    _follow(fractions, 0.0, choose)
    return Boundaries(fractions, upper, -upper if sides == 2 else np.full(fractions.size, -np.inf))


def classical(
    fractions: Sequence[float], *, alpha: float = 0.05, sides: int = 2, shape: float = 0.0
) -> Boundaries:
    """Boundaries of one form fixed before: ``C (t / t_last) ** (shape - 1/2)`` (Wang and Tsiatis 1987).

    A shape of 0 is O'Brien and Fleming's (1979), of 1/2 Pocock's (1977), the same at all looks. The looks must be those
    planned.

    Parameters
    ----------
    fractions, alpha, sides
        As of :func:`error_spending`.
    shape : float
        From 0 to 1/2.

    Raises
    ------
    CasebookError
        As :func:`error_spending`; and if the shape is not from 0 to 1/2.
    """
    alpha, fractions = _one_sided(alpha, sides), _checked_fractions(fractions)
    if not isinstance(shape, Real) or isinstance(shape, bool) or not 0 <= shape <= 0.5:
        raise CasebookError(f"shape: found {shape!r}, expected a number from 0 to 1/2")
    form = (fractions / fractions[-1]) ** (shape - 0.5)

    def boundaries(constant: float) -> Boundaries:
        upper = constant * form
        return Boundaries(fractions, upper, -upper if sides == 2 else np.full(form.size, -np.inf))

    from scipy.optimize import brentq

    # The last look alone has alpha at the critical value of a single test; all together at most k times theirs.
    least, most = -float(ndtri(alpha)) - 1e-9, -float(ndtri(alpha / form.size)) + 1e-9
    constant = brentq(
        lambda c: crossing(boundaries(c), 0.0).upper.sum() - alpha, least, most, xtol=1e-13, rtol=1e-14
    )
    return boundaries(constant)


# -- crossing -----------------------------------------------------------------------------------------------------


def crossing(boundaries: Boundaries, drift: float) -> Crossing:
    """How probably each boundary is crossed first at each look.

    Parameters
    ----------
    boundaries : Boundaries
        Of the test.
    drift : float
        The expected Z at the planned information; 0 if there is no effect.

    Raises
    ------
    CasebookError
        If the drift is not a number of at most :data:`MOST_DRIFT`, either way.
    """
    if not isinstance(drift, Real) or isinstance(drift, bool) or not math.isfinite(drift):
        raise CasebookError(f"drift: found {drift!r}, expected a finite number")
    if abs(drift) > MOST_DRIFT:
        raise CasebookError(f"drift: found {float(drift):g}, expected at most {MOST_DRIFT:g}, either way")
    chosen = list(zip(boundaries.lower, boundaries.upper, strict=True))
    return _follow(np.array(boundaries.fractions), float(drift), lambda look, beyond: chosen[look])


def power(boundaries: Boundaries, drift: float) -> float:
    """The probability of crossing the upper boundary at any look. Raises CasebookError if the drift is not finite."""
    return float(crossing(boundaries, drift).upper.sum())


def drift_for(boundaries: Boundaries, target: float) -> float:
    """The drift at which the test has this power: :func:`power` turned round.

    Raises
    ------
    CasebookError
        If the power is not strictly between 0 and 1, or not above the type I error of the upper side.
    """
    target = checked_inside(target, "power")
    level = power(boundaries, 0.0)
    if target <= level:
        raise CasebookError(f"power: found {target:g}, expected more than the type I error, {level:.4g}")
    late = 1.0
    while power(boundaries, late) < target:
        late *= 2
        if late > MOST_DRIFT:
            raise CasebookError(
                f"power: found {target:g}, expected one that the boundaries allow at any drift"
            )
    from scipy.optimize import brentq

    return float(brentq(lambda drift: power(boundaries, drift) - target, 0.0, late, xtol=1e-12, rtol=1e-14))


def inflation(boundaries: Boundaries, target: float, drift: float | None = None) -> float:
    """The information at the last look that this power takes, as a multiple of that of a test without interim looks.

    The single test has the type I error that the upper boundary has in fact. A ``drift`` that :func:`drift_for` has found need
    not be found again. Raises CasebookError as :func:`drift_for`.
    """
    single = float(ndtri(power(boundaries, 0.0))) - float(ndtri(checked_inside(target, "power")))
    drift = drift_for(boundaries, target) if drift is None else drift
    return drift**2 * boundaries.fractions[-1] / single**2


def expected_information(boundaries: Boundaries, drift: float) -> float:
    """The fraction of the planned information at which the study ends, on average.

    Raises CasebookError if the drift is not finite.
    """
    found = crossing(boundaries, drift)
    fractions = np.array(boundaries.fractions)
    return float((found.upper + found.lower) @ fractions + found.none * fractions[-1])


def log_rank_schedule(
    boundaries: Boundaries, ratio: float, *, target: float = 0.8, sides: int = 2, allocation: float = 1.0
) -> pd.DataFrame:
    """Looks of a comparison of survival, in events: what a protocol prints.

    Information is in events (Schoenfeld 1981): as many as a single log-rank test needs, times :func:`inflation`. It holds for
    proportional hazards.

    Parameters
    ----------
    boundaries : Boundaries
        Of the test; a Z above 0 is in favour of treatment.
    ratio : float
        Of the hazards, treatment to control, below 1, that is to be found.
    target : float
        The power.
    sides : int
        Of the nominal p values: 1 or 2.
    allocation : float
        Children in the treatment arm for each in the control arm.

    Returns
    -------
    DataFrame
        A row for each look: ``events`` (rounded up), ``z``, ``p`` (nominal), ``ratio`` (the hazard ratio at or below which
        the study stops, with so many events), and, by then, the probability of having crossed the upper boundary if the
        hazards are equal (``null``) and if the ratio is true (``power``).

    Raises
    ------
    CasebookError
        As :func:`drift_for`; if the ratio is not above 0 and below 1, or so near 1 that more than
        :data:`~casebook.design.arms.LARGEST` events are needed, or sides or allocation are none.
    """
    import pandas as pd

    critical(0.05, sides)  # refuses other sides
    share = treated_share(allocation)
    if checked_ratio(ratio) >= 1:
        raise CasebookError(f"ratio: found {ratio:g}, expected one below 1: fewer events with treatment")
    level = power(boundaries, 0.0)
    single = schoenfeld(ratio, alpha=level, power=target, sides=1, allocation=allocation)
    fractions, z = np.array(boundaries.fractions), np.array(boundaries.upper)
    drift = drift_for(boundaries, target)
    events = single * inflation(boundaries, target, drift) * fractions / fractions[-1]
    if events[-1] > LARGEST:
        raise CasebookError(
            f"ratio: found {ratio!r}, expected one further from 1: it takes {events[-1]:.3g} events"
        )
    whole = np.ceil(events * (1 - 1e-12))
    return pd.DataFrame(
        {
            "events": whole.astype(int),
            "z": z,
            "p": sides * ndtr(-z),
            "ratio": np.exp(-z / np.sqrt(whole * share * (1 - share))),
            "null": np.cumsum(crossing(boundaries, 0.0).upper),
            "power": np.cumsum(crossing(boundaries, drift).upper),
        }
    )


def _follow(
    fractions: np.ndarray,
    drift: float,
    choose: Callable[[int, Callable[[float], float]], tuple[float, float]],
) -> Crossing:
    """The probabilities of crossing boundaries that are chosen look by look.

    ``choose(look, beyond)`` gives the lower and upper Z, ``beyond(z)`` being the probability of not having stopped before and
    being above z now.
    """
    at, mass = np.zeros(1), np.ones(1)  # the motion among those who go on: where, and with which probability
    steps = np.sqrt(np.diff(fractions, prepend=0.0))
    upper, lower = np.zeros((2, fractions.size))
    for look, (t, step) in enumerate(zip(fractions, steps, strict=True)):
        middle, root = at + drift * step**2, math.sqrt(t)

        def beyond(z: float, side: int = 1, middle=middle, mass=mass, step=step, root=root) -> float:
            return float(mass @ ndtr(side * (middle - z * root) / step))

        low, high = choose(look, beyond)
        upper[look], lower[look] = beyond(high), beyond(low, side=-1)
        narrowest = step if look + 1 == fractions.size else min(step, steps[look + 1])
        ends = np.clip([low * root, high * root], drift * t - REACH * root, drift * t + REACH * root)
        at, weights = _points(*ends, PIECE * narrowest)
        density = np.exp(-0.5 * ((at[:, None] - middle) / step) ** 2) @ mass
        mass = weights * density / (step * math.sqrt(2 * math.pi))
    return Crossing(upper, lower, float(mass.sum()))


def _points(low: float, high: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of the rule on pieces of at most this width: each of shape (pieces * POINTS,)."""
    points, weights = np.polynomial.legendre.leggauss(POINTS)
    edges = np.linspace(low, high, max(math.ceil((high - low) / width), 1) + 1)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + points)).ravel(), (half * weights).ravel()


def _one_sided(alpha: float, sides: int) -> float:
    alpha = checked_alpha(alpha)
    critical(alpha, sides)  # refuses other sides
    if not LEAST_ALPHA <= alpha / sides < 0.5:
        raise CasebookError(
            f"alpha: found {alpha / sides:g} on one side, expected less than 1/2 and at least {LEAST_ALPHA:g}"
        )
    return alpha / sides


def _checked_fractions(fractions: Sequence[float]) -> np.ndarray:
    found = as_array(fractions)
    if found.dtype.kind not in "iuf" or found.ndim != 1 or not 1 <= found.size <= MOST_LOOKS:
        raise CasebookError(f"fractions: found {fractions!r}, expected 1 to {MOST_LOOKS} numbers")
    apart = np.diff(found, prepend=0.0)
    if (
        not np.all(np.isfinite(found))
        or not np.all(apart >= CLOSEST * found[-1] * (1 - 1e-9))
        or found[0] <= 0
    ):
        raise CasebookError(
            f"fractions: found {found.tolist()}, expected numbers above 0, each at least {CLOSEST:g} of the last above the one "
            "before"
        )
    return found.astype(float)
