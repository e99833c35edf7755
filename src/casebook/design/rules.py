"""What the fields of a scenario fulfil: of each field, of some together, and of what comes of them.

A scenario is refused with every rule that it breaks, as an object and as a row of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import pairwise
from typing import Any, NamedTuple

from casebook.design.scenarios import AT_HSCT, LOOK_BY, Scenario

LONGEST = 1200.0
"""Months that a trial may last."""

MOST = 10**6
"""Patients that an arm may have."""

MOST_STRATA = 100

FASTEST = 1e4
"""Per month: of anything that happens to a patient. Integrals over time are known to hold up to it."""

LEAST_ALPHA = 1e-15
"""A level of which the quantile is known, and no test is done at."""


# -- what cannot be -------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """What the fields of every scenario fulfil; ``expected`` names them as words, which places the problem in a table.

    ``comes_to`` says what the fields come to, where they do not show it, and ``limit`` what was expected where that follows
    from other fields.
    """

    columns: tuple[str, ...]
    holds: Callable[[Any], bool]
    expected: str
    comes_to: Callable[[Any], str] | None = None
    limit: Callable[[Any], str] | None = None

    def explained(self, s: Any, found: str) -> tuple[str, str]:
        """What was found, with what it comes to, and what was expected of these fields."""
        return (
            f"{found} ({self.comes_to(s)})" if self.comes_to else found,
            self.limit(s) if self.limit else self.expected,
        )


def _rule(
    expected: str,
    holds: Callable[[Any], bool],
    comes_to: Callable[[Any], str] | None = None,
    limit: Callable[[Any], str] | None = None,
) -> Rule:
    names = {each.name for each in fields(Scenario)}
    columns = tuple(dict.fromkeys(word for word in expected.split() if word in names))
    return Rule(columns, holds, expected, comes_to, limit)


def _ascends(values: Iterable[float]) -> bool:
    return all(one < other for one, other in pairwise(values))


def _something_happens(s: Any) -> bool:
    """Whether anybody in either arm can fail before the end, or be transplanted and be seen to fail then."""

    def some(rates: Iterable[float]) -> bool:
        # Of unlike length: another rule says so.
        return any(
            rate != 0
            for rate, start in zip(rates, s.hazard_from, strict=False)
            if start < s.accrual + s.followup
        )

    transplanted = [s.hsct_treatment, *([s.hsct_control] if s.control else [])]
    seen = s.at_hsct != "censor" and s.hsct_mortality > 0
    return some(s.hazard) or (seen and all(map(some, transplanted)))


def _highest_hazard(s: Any) -> float:
    """The highest hazard of failing in any arm, stratum and piece of time, before or after HSCT.

    Not by :func:`casebook.design.truth.hazards`, which takes fields of the lengths that other rules ask for.
    """
    pieces = len(s.hazard)
    ratios = [s.hazard_ratio * pieces if len(s.hazard_ratio) == 1 else s.hazard_ratio]
    if s.control:
        ratios.append((1.0,) * pieces)
    before = [
        float(hazard) * float(ratio) * float(stratum)
        for of_arm in ratios
        for hazard, ratio in zip(s.hazard, of_arm, strict=False)
        for stratum in s.stratum_ratio
    ]
    after = [hazard * float(s.hsct_ratio) + float(s.hsct_mortality) for hazard in before]
    return max([*before, *after], default=0.0)


def _pieces(name: str, *, may_be_empty: bool = False) -> Callable[[Any], bool]:
    def holds(s: Any) -> bool:
        rates = getattr(s, name)
        return (may_be_empty and not rates) or (
            len(rates) == len(s.hazard_from) and all(rate >= 0 for rate in rates)
        )

    return holds


DEFAULTS = {each.name: each.default for each in fields(Scenario)}


RULES: tuple[Rule, ...] = (
    _rule("id without spaces", lambda s: bool(s.id) and not any(c.isspace() for c in s.id)),
    _rule(
        f"treatment a whole number from 1 to {MOST}",
        lambda s: 1 <= s.treatment <= MOST and s.treatment % 1 == 0,
    ),
    _rule(
        f"control a whole number from 0 to {MOST}", lambda s: 0 <= s.control <= MOST and s.control % 1 == 0
    ),
    _rule("accrual of 0 months or more", lambda s: s.accrual >= 0),
    _rule("followup above 0 months", lambda s: s.followup > 0),
    _rule(
        f"accrual and followup of {LONGEST:g} months together at most",
        lambda s: s.accrual + s.followup <= LONGEST,
    ),
    _rule(f"drop_out of 0 or more, and {FASTEST:g} at most", lambda s: 0 <= s.drop_out <= FASTEST),
    _rule(
        "hazard_from ascending from 0",
        lambda s: len(s.hazard_from) > 0 and s.hazard_from[0] == 0 and _ascends(s.hazard_from),
    ),
    _rule("hazard of 0 or more for each month in hazard_from", _pieces("hazard")),
    _rule(
        "hazard above 0 in a month before the end or hsct_mortality after hsct_control and hsct_treatment there, with at_hsct "
        "follow, as nothing happens in an arm otherwise",
        _something_happens,
    ),
    _rule(
        "hazard_ratio above 0, one or one for each month in hazard_from",
        lambda s: (
            len(s.hazard_ratio) in {1, len(s.hazard_from)} and all(ratio > 0 for ratio in s.hazard_ratio)
        ),
    ),
    *(
        _rule(f"{name} from 0 to below 1", lambda s, name=name: 0 <= getattr(s, name) < 1)
        for name in ("cured_control", "cured_treatment")
    ),
    *(
        _rule(
            f"{name} of 0 or more for each month in hazard_from or nothing",
            _pieces(name, may_be_empty=True),
        )
        for name in ("hsct_control", "hsct_treatment")
    ),
    _rule("hsct_ratio of 0 or more", lambda s: s.hsct_ratio >= 0),
    _rule("hsct_mortality of 0 or more", lambda s: s.hsct_mortality >= 0),
    _rule(f"at_hsct {' or '.join(AT_HSCT)}", lambda s: s.at_hsct in AT_HSCT),
    *(
        _rule(
            f"{name} only where hsct_control or hsct_treatment is given: give a rate of 0 where nobody has HSCT",
            lambda s, name=name: s.hsct_control or s.hsct_treatment or getattr(s, name) == DEFAULTS[name],
        )
        for name in ("hsct_ratio", "hsct_mortality", "at_hsct")
    ),
    _rule(
        f"hazard times hazard_ratio times stratum_ratio of {FASTEST:g} per month at most, also times hsct_ratio plus "
        "hsct_mortality",
        lambda s: _highest_hazard(s) <= FASTEST,
        lambda s: f"{_highest_hazard(s):g} per month",
    ),
    *(
        _rule(
            f"{name} of {FASTEST:g} per month at most",
            lambda s, name=name: all(rate <= FASTEST for rate in getattr(s, name)),
        )
        for name in ("hsct_control", "hsct_treatment")
    ),
    *(
        _rule(
            f"{name} only with a control arm, where control is above 0",
            lambda s, name=name: s.control or not getattr(s, name),
        )
        for name in ("cured_control", "hsct_control", "stratified")
    ),
    _rule(
        f"stratum_share above 0, together 1, of {MOST_STRATA} strata at most",
        lambda s: (
            0 < len(s.stratum_share) <= MOST_STRATA
            and all(share > 0 for share in s.stratum_share)
            and abs(sum(s.stratum_share) - 1) <= 1e-6
        ),
    ),
    _rule(
        "stratum_ratio above 0, one for each stratum_share",
        lambda s: (
            len(s.stratum_ratio) == len(s.stratum_share) and all(ratio > 0 for ratio in s.stratum_ratio)
        ),
    ),
    _rule(
        "stratified only with strata in stratum_share", lambda s: not s.stratified or len(s.stratum_share) > 1
    ),
    _rule(f"alpha between 0 and 1, and not below {LEAST_ALPHA:g}", lambda s: LEAST_ALPHA <= s.alpha < 1),
    *(
        _rule(
            f"{name} above 0 and below accrual and followup together",
            lambda s, name=name: (
                0 < getattr(s, name) < s.accrual + s.followup
                or (s.accrual == 0 and getattr(s, name) == s.followup)
            ),
            # If all enter at once, who has not failed is followed to the very end.
            limit=lambda s, name=name: (
                f"{name} above 0 and below {float(s.accrual + s.followup):g} months, as nobody is followed so long"
                if s.accrual
                else f"{name} above 0 and at most {float(s.followup):g} months, as nobody is followed longer"
            ),
        )
        for name in ("milestone", "horizon")
    ),
    _rule(
        "null_survival between 0 and 1 if control is 0, and nothing otherwise",
        lambda s: (
            s.null_survival is None if s.control else s.null_survival is not None and 0 < s.null_survival < 1
        ),
    ),
    _rule(
        "events a whole number of 1 or more, not above control and treatment together",
        lambda s: s.events is None or (1 <= s.events <= s.control + s.treatment and s.events % 1 == 0),
    ),
    _rule(
        f"looks together with look_by of {' or '.join(LOOK_BY)}",
        lambda s: s.look_by in LOOK_BY if s.looks else s.look_by is None,
    ),
    _rule(
        "looks by month in order, after 0 and before accrual and followup are over",
        lambda s: s.look_by != "month" or (_ascends((0, *s.looks, s.accrual + s.followup))),
    ),
    _rule(
        "looks by month after milestone where control is 0, as nothing can be tested before",
        lambda s: (
            s.control > 0
            or s.look_by != "month"
            or all(look > s.milestone or (s.accrual == 0 and look == s.milestone) for look in s.looks)
        ),
    ),
    _rule(
        "looks by fraction in order, above 0 and below 1, of a number of events in which they differ",
        lambda s: (
            s.look_by != "fraction"
            or (
                s.events is not None
                and _ascends((0, *s.looks, 1))
                and _ascends((0, *s.look_counts, s.events))
            )
        ),
    ),
    _rule(
        "critical above 0 for each of looks and the end, or nothing",
        lambda s: len(s.critical) in {0, len(s.looks) + 1} and all(z > 0 for z in s.critical),
    ),
    _rule(
        "critical only with looks, as the one test without is at alpha",
        lambda s: bool(s.looks) or not s.critical,
    ),
    _rule(
        "futility for each of looks and below critical there, if that is given, or nothing",
        lambda s: (
            not s.futility
            or (
                len(s.futility) == len(s.looks)
                # Of unlike length: another rule says so.
                and all(z < bound for z, bound in zip(s.futility, s.critical, strict=False))
            )
        ),
    ),
)


# -- what comes of them together ------------------------------------------------------------------------------------


def _compares(s: Any) -> bool:
    from casebook.design.truth import comparable

    return not s.control or comparable(s)


COMPARES = _rule(
    "control and treatment of which both fail while the other is at risk, by hazard and hazard_ratio or hsct_control and "
    "hsct_treatment with hsct_mortality and in one stratum if stratified",
    _compares,
)
"""Asked of a scenario that keeps :data:`RULES`, as it is computed from its truth."""
