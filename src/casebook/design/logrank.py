"""The log-rank test where hazards need not be proportional: what its statistic is expected to be, and so its power.

Schoenfeld's formula asks for one hazard ratio. Where some children are cured, or a treatment works late, there is none. The
observed minus expected events of a log-rank test, and their variance, can still be expected under any two arms: integrals
over the time since entry, of those still at risk. For constant hazards with a ratio near 1 they give Schoenfeld's formula.
The idea is that of Lakatos (1988); the paper is named, and was not read.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from casebook.design.arms import checked_ratio
from casebook.design.events import Children, Plan, critical, rounded
from casebook.design.exact import checked_alpha, checked_errors
from casebook.errors import CasebookError

SPREAD = (0.1, 1.0, 10.0, 40.0)
"""Where a stretch is split for integration, in units of the mean time that a child at risk stays in it."""

CLOSE = 1e-6
"""How far the events integrated may be from those known exactly, relatively."""


class Drift(NamedTuple):
    """What a log-rank test is expected to see of each child entered.

    ``excess`` is observed minus expected events of the treatment arm, ``variance`` that of the excess, ``events`` the events
    of both arms.
    """

    excess: float
    variance: float
    events: float

    @property
    def ratio(self) -> float:
        """The constant hazard ratio that would, near 1, give the same statistic: ``exp(excess / variance)``."""
        return math.exp(self.excess / self.variance)


@functools.lru_cache(maxsize=128)
def drift(plan: Plan) -> Drift:
    """The expected excess and variance of a log-rank test at the end of a study, per child.

    With y the share of children of an arm at risk at a time since entry, and d their events per unit of time, the excess is
    the integral of ``(d1 y0 - d0 y1) / (y0 + y1)`` and the variance that of ``(d0 + d1) y0 y1 / (y0 + y1)**2``.

    Raises
    ------
    CasebookError
        If the events integrated are not those of the plan, or no event comes while both arms have children at risk.
    """
    from scipy.integrate import quad_vec

    def integrand(time: float) -> np.ndarray:
        followed = 1.0 if time <= plan.follow_up else (plan.duration - time) / plan.accrual
        (at_risk0, events0), (at_risk1, events1) = (
            (kept * float(arm.survival(time)), kept * float(arm.density(time)))
            for arm, share in plan.shares
            for kept in [share * math.exp(-arm.dropout * time)]
        )
        everybody = at_risk0 + at_risk1
        if everybody == 0:
            return np.zeros(3)
        treated = at_risk1 / everybody
        excess = events1 * (1 - treated) - events0 * treated
        return followed * np.array([excess, (events0 + events1) * treated * (1 - treated), events0 + events1])

    # A high hazard is over in a moment after its start, which the integration must not step over.
    breaks = {plan.follow_up}
    for arm in (plan.control, plan.treatment):
        for start, hazard in zip(arm.starts, arm.hazards, strict=True):
            rate = hazard + arm.dropout
            breaks |= {start, *(start + wide / rate for wide in SPREAD if rate)}
    inside = sorted(time for time in breaks if 0 < time < plan.duration)
    exact = plan.event_probability
    found, _ = quad_vec(
        integrand, 0.0, plan.duration, points=inside, epsabs=1e-12 * min(exact, 1.0), epsrel=1e-9
    )
    found = Drift(*map(float, found))
    if not abs(found.events - exact) <= CLOSE * exact:
        raise CasebookError(
            f"found {found.events:.6g} events a child by integration; expected {exact:.6g}: the hazards or losses are too high "
            "beside the duration"
        )
    if not found.variance > 0:
        raise CasebookError("found no event while both arms have children at risk; expected some to compare")
    return found


def power(plan: Plan, n: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """The power of a log-rank test with n children in all, at the end of the study; the sign of the effect is not asked.

    Raises
    ------
    CasebookError
        If n is not above 0, alpha not strictly between 0 and 1, or sides not 1 or 2; and as :func:`drift`.
    """
    n, deviations = checked_ratio(n, "n"), critical(checked_alpha(alpha), sides)
    found = drift(plan)
    return float(ndtr(deviations + abs(found.excess) * math.sqrt(n / found.variance)))


def children(plan: Plan, *, alpha: float = 0.05, power: float = 0.8, sides: int = 2) -> Children:
    """The children with whom a log-rank test has this power at the end of the study.

    Raises
    ------
    CasebookError
        If alpha and power are not strictly between 0 and 1, power the higher, sides are not 1 or 2, the arms do not differ as
        the test sees them, or differ so much that less than one event would be enough, for which the normal approximation
        is far outside its validity; and as :func:`drift`.
    """
    alpha, power = checked_errors(alpha, power)
    deviations = float(ndtri(power)) - critical(alpha, sides)
    found = drift(plan)
    if abs(found.excess) <= 1e-9 * found.events:
        raise CasebookError("found arms that the log-rank test cannot tell apart; expected different ones")
    n = deviations**2 * found.variance / found.excess**2
    if n * found.events < 1:
        raise CasebookError(
            f"found arms of which {n:.2g} children with {n * found.events:.2g} events were enough; expected arms more alike, "
            "that take one event or more"
        )
    return rounded(plan, n)
