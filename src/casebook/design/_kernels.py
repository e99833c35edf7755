"""The compiled loops of the simulator: random numbers, the courses of patients, the analyses of a trial.

All of it stands in one file, because numba's cache does not see a change in a function of another file. What it computes is
what :mod:`casebook.cohort` reads off a table of risk, from a table that a compiled loop can keep; tests hold the two together.

A trial's bits depend on its key and number only. Random numbers are counted, not drawn in turn: Philox4x32-10 (Salmon
2011, named, not read) of the trial, the patient and what is drawn. Logarithm and exponential are written out in
additions, multiplications and divisions, which IEEE 754 rounds in one way only; a library's may differ between machines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

compiled = njit(nogil=True, cache=True, error_model="numpy")

WORD, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
ROUNDS = 10

TO_FAIL, TO_LEAVE, TO_HSCT = np.uint64(0), np.uint64(1), np.uint64(2)
"""What is drawn: two numbers each. Failure and entry; drop-out and cure; HSCT."""

LOG2_HIGH, LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log 2 in two parts: whole numbers up to 2**20 times the first are exact."""

STATISTICS = (
    "time", "held", "patients", "events", "z", "chi_square", "coefficient", "variance", "monotone",
    "survival_control", "survival_variance_control", "mean_control", "mean_variance_control",
    "survival_treatment", "survival_variance_treatment", "mean_treatment", "mean_variance_treatment",
)  # fmt: skip
"""What is found in a trial at each look, in the order of the last axis of :func:`run`."""

CROWDED = 32
"""Insertion sort is given at most so many times of one bucket."""

CLOSE = 1e-9
"""Newton's last step of a log hazard ratio; what is left of the error is about its square."""


class Course(NamedTuple):
    """What patients meet, per month; s strata, p pieces of time since entry; arm 0 is control, arm 1 treatment."""

    arm: np.ndarray  # int8, shape (n,)
    stratum: np.ndarray  # int8, shape (n,)
    accrual: float
    drop_out: float
    starts: np.ndarray  # months from which pieces hold, shape (p,)
    before: np.ndarray  # hazard of failing before HSCT, of those not cured, shape (s, 2, p)
    after: np.ndarray  # and after it, death of it included
    to_hsct: np.ndarray  # shape (2, p)
    cured: np.ndarray  # share, shape (2,)
    hsct_mortality: np.ndarray  # of those cured, after HSCT, shape (p,)
    transplants: bool
    censored_at_hsct: bool


class Plan(NamedTuple):
    """When a trial is looked at, the last time being its end, and what for."""

    months: np.ndarray  # calendar month of each look, at the latest
    counts: np.ndarray  # number of events at which it is held, if that comes before; 0: by calendar
    by_events: bool  # whether any is held at a number of events
    strata: int  # number of strata the tests keep apart; 1: none
    milestone: float
    horizon: float


# -- numbers ------------------------------------------------------------------------------------------------------


@compiled
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10 of a counter of four words and a key of two; words of 32 bits in unsigned integers of 64."""
    for _ in range(ROUNDS):
        first, second = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (second >> HALF) ^ c1 ^ k0, second & WORD, (first >> HALF) ^ c3 ^ k1, first & WORD
        k0, k1 = (k0 + WEYL[0]) & WORD, (k1 + WEYL[1]) & WORD
    return c0, c1, c2, c3


@compiled
def uniforms(key, trial, purpose, one, two):
    """Two numbers strictly between 0 and 1 for each patient, of 52 bits each."""
    low, high = trial & WORD, trial >> HALF
    for i in range(one.size):
        a, b, c, d = philox(low, high, np.uint64(i), purpose, key[0], key[1])
        one[i] = (np.float64((a << np.uint64(20)) | (b >> np.uint64(12))) + 0.5) * 2.0**-52
        two[i] = (np.float64((c << np.uint64(20)) | (d >> np.uint64(12))) + 0.5) * 2.0**-52


@compiled
def log(x):
    """The logarithm of a normal number above 0, to two units in the last place."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    part = np.int64((bits & 0xFFFFFFFFFFFFF) | (1023 << 52)).view(np.float64)
    if part > 1.4142135623730951:
        part *= 0.5
        exponent += 1
    # log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...), with s at most 0.172.
    s = (part - 1.0) / (part + 1.0)
    square = s * s
    series = 0.0
    for k in range(23, 1, -2):
        series = series * square + 1.0 / k
    series *= square
    return exponent * LOG2_HIGH + (2.0 * s + (2.0 * s * series + exponent * LOG2_LOW))


@compiled
def exp(x):
    """The exponential of a number between -700 and 700, to two units in the last place."""
    k = np.int64(np.floor(x * 1.4426950408889634 + 0.5))
    r = (x - k * LOG2_HIGH) - k * LOG2_LOW
    series = 1.0
    for i in range(14, 0, -1):
        series = 1.0 + series * r / i
    return series * np.int64((k + 1023) << 52).view(np.float64)


# -- patients -----------------------------------------------------------------------------------------------------


@compiled
def when_reached(amount, since, starts, hazards):
    """The time at which a hazard, cumulated from ``since`` on, comes to ``amount``; infinity if it never does."""
    last = starts.size - 1
    for piece in range(last + 1):
        hazard = hazards[piece]
        begin = max(since, starts[piece])
        if piece == last:
            return begin + amount / hazard if hazard > 0 else np.inf
        end = starts[piece + 1]
        if end > begin:
            there = hazard * (end - begin)
            if amount <= there and hazard > 0:
                return begin + amount / hazard
            amount -= there
    return np.inf


@compiled
def cumulated(until, starts, hazards):
    """The hazard cumulated from 0 to ``until``."""
    total = 0.0
    for piece in range(starts.size):
        if until > starts[piece]:
            end = starts[piece + 1] if piece + 1 < starts.size else np.inf
            total += hazards[piece] * (min(until, end) - starts[piece])
    return total


@compiled
def draw(course, key, trial, entry, time, failed, hsct, one, two):
    """The patients of one trial as they would be followed without end.

    Fills month of entry, time from entry to failure, drop-out or (where it censors) HSCT, whether it is failure, and
    time to HSCT (infinite for those never transplanted).
    """
    n = entry.size
    uniforms(key, trial, TO_FAIL, one, entry)
    for i in range(n):
        entry[i] *= course.accrual
        one[i] = -log(one[i])
    leaving = course.drop_out > 0 or course.cured[0] > 0 or course.cured[1] > 0
    if leaving:
        uniforms(key, trial, TO_LEAVE, time, two)
    if course.transplants:
        uniforms(key, trial, TO_HSCT, hsct, hsct)
    for i in range(n):
        arm = course.arm[i]
        before, after = course.before[course.stratum[i], arm], course.after[course.stratum[i], arm]
        cured = leaving and two[i] < course.cured[arm]
        fails = np.inf if cured else when_reached(one[i], 0.0, course.starts, before)
        transplanted = np.inf
        if course.transplants:
            transplanted = when_reached(-log(hsct[i]), 0.0, course.starts, course.to_hsct[arm])
            if transplanted >= fails:
                transplanted = np.inf
            elif cured:
                fails = when_reached(one[i], transplanted, course.starts, course.hsct_mortality)
            elif transplanted < np.inf:
                # What is left of an exponential amount of hazard is one as well.
                left = max(one[i] - cumulated(transplanted, course.starts, before), 0.0)
                fails = when_reached(left, transplanted, course.starts, after)
        leaves = -log(time[i]) / course.drop_out if course.drop_out > 0 else np.inf
        if course.censored_at_hsct:
            leaves = min(leaves, transplanted)
        hsct[i] = transplanted
        failed[i] = 1 if fails <= leaves else 0
        time[i] = min(fails, leaves)


# -- analyses -----------------------------------------------------------------------------------------------------


@compiled
def sift(time, order, root, size):
    """Let the place at ``root`` of a heap sink to where no later time is below it."""
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and time[order[child + 1]] > time[order[child]]:
            child += 1
        if time[order[root]] >= time[order[child]]:
            return
        order[root], order[child] = order[child], order[root]
        root = child


@compiled
def put_in_order(time, order, bucket, ends):
    """Places of the times in ascending order: by buckets of equal width, then within them; by a heap if one is crowded."""
    m = time.size
    low, high, most = np.inf, -np.inf, 0
    for i in range(m):
        low, high = min(low, time[i]), max(high, time[i])
        ends[i] = 0
    ends[m] = 0
    scale = m / (high - low) if high > low else np.inf
    if scale < np.inf:
        for i in range(m):
            bucket[i] = min(np.int64((time[i] - low) * scale), m - 1)
            ends[bucket[i] + 1] += 1
            most = max(most, ends[bucket[i] + 1])
    if scale == np.inf or most > CROWDED:
        for i in range(m):
            order[i] = i
        for root in range(m // 2 - 1, -1, -1):
            sift(time, order, root, m)
        for size in range(m - 1, 0, -1):
            order[0], order[size] = order[size], order[0]
            sift(time, order, 0, size)
        return
    for i in range(m):
        ends[i + 1] += ends[i]
    for i in range(m):
        order[ends[bucket[i]]] = i
        ends[bucket[i]] += 1
    for i in range(1, m):
        moved, place = order[i], i
        while place > 0 and time[order[place - 1]] > time[moved]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = moved


@compiled
def tabulate(time, arm, failed, stratum, wanted, order, when, at_risk, failures):
    """The table of risk of both arms of a stratum (-1: of all), a row for each time at which anybody fails; its length.

    ``arm`` and ``failed`` are small integers, 0 or 1. Fills times, shape (k,), those at risk and failing by arm, (k, 2).
    """
    left_control, left_treatment = 0, 0
    for i in range(time.size):
        if wanted < 0 or stratum[i] == wanted:
            left_treatment += arm[i]
            left_control += 1 - arm[i]
    row, i = 0, 0
    while i < time.size:
        now = time[order[i]]
        gone, gone_treatment, failing, failing_treatment = 0, 0, 0, 0
        while i < time.size and time[order[i]] == now:
            who = order[i]
            if wanted < 0 or stratum[who] == wanted:
                gone += 1
                gone_treatment += arm[who]
                failing += failed[who]
                failing_treatment += failed[who] & arm[who]
            i += 1
        if failing:
            when[row] = now
            at_risk[row, 0], at_risk[row, 1] = left_control, left_treatment
            failures[row, 0], failures[row, 1] = failing - failing_treatment, failing_treatment
            row += 1
        left_control -= gone - gone_treatment
        left_treatment -= gone_treatment
    return row


@compiled
def curve(when, at_risk, failures, arm, last, milestone, horizon, area, weight):
    """Kaplan-Meier at the milestone and its area up to the horizon, each with its variance; not a number beyond ``last``.

    Greenwood's variance, and that of Klein and Moeschberger (2003), as in :mod:`casebook.cohort.estimate`.
    """
    survival, greenwood, so_far, before = 1.0, 0.0, 0.0, 0.0
    at_milestone, its_variance, at_horizon = 1.0, 0.0, 1.0
    steps = 0
    for row in range(when.size):
        n, d = at_risk[row, arm], failures[row, arm]
        if d == 0:
            continue
        within = when[row] <= horizon
        if within:
            so_far += survival * (when[row] - before)
            before = when[row]
        term = d / (n * (n - d)) if n > d else 0.0
        survival *= (n - d) / n
        greenwood += term
        if within:
            area[steps], weight[steps] = so_far, term
            at_horizon = survival
            steps += 1
        if when[row] <= milestone:
            at_milestone, its_variance = survival, survival * survival * greenwood
    mean = so_far + at_horizon * (horizon - before)
    mean_variance = 0.0
    for step in range(steps):
        mean_variance += (mean - area[step]) ** 2 * weight[step]
    if survival > 0 and last < milestone:
        at_milestone, its_variance = np.nan, np.nan
    if survival > 0 and last < horizon:
        mean, mean_variance = np.nan, np.nan
    return at_milestone, its_variance, mean, mean_variance


@compiled
def log_rank(at_risk, failures):
    """Failures expected in the treatment arm less those observed, and the variance (Mantel 1966)."""
    score, variance = 0.0, 0.0
    for row in range(at_risk.shape[0]):
        n, d = at_risk[row, 0] + at_risk[row, 1], failures[row, 0] + failures[row, 1]
        share = at_risk[row, 1] / n
        score += d * share - failures[row, 1]
        if n > 1:
            variance += d * share * (1.0 - share) * (n - d) / (n - 1.0)
    return score, variance


@compiled
def cox_terms(at_risk, failures, control, treatment):
    """Those at risk for each failure in turn, of failures at one time by Efron's method (Efron 1977); how many."""
    k = 0
    for row in range(at_risk.shape[0]):
        d = failures[row, 0] + failures[row, 1]
        for tied in range(int(d)):
            control[k] = at_risk[row, 0] - tied / d * failures[row, 0]
            treatment[k] = at_risk[row, 1] - tied / d * failures[row, 1]
            k += 1
    return k


@compiled
def cox(control, treatment, failed):
    """The log hazard ratio of treatment, its variance, and whether it runs off.

    ``failed`` are the failures in the treatment arm. The last is 0 if there is a finite best value; 1 or -1 if the
    likelihood rises without end upwards or downwards; 2 if no failure compares the arms, and it is level.
    """
    certain, possible = 0, 0
    for k in range(control.size):
        certain += control[k] == 0
        possible += treatment[k] > 0
    if certain == failed or possible == failed:
        side = 2.0 if certain == possible else (-1.0 if certain == failed else 1.0)
        return np.nan, np.nan, side
    beta, low, high = 0.0, -np.inf, np.inf
    while True:
        ratio = exp(beta)
        score, information = np.float64(failed), 0.0
        for k in range(control.size):
            share = treatment[k] * ratio / (control[k] + treatment[k] * ratio)
            score -= share
            information += share * (1.0 - share)
        if score > 0:
            low = beta
        else:
            high = beta
        step = min(max(score / information, -2.0), 2.0)
        if not low <= beta + step <= high:  # Newton leaves where the root must lie
            step = (low + high) / 2.0 - beta
        beta += step
        if abs(step) <= CLOSE:
            return beta, 1.0 / information, 0.0


@compiled
def analyse(time, arm, failed, stratum, strata, milestone, horizon, row):
    """Everything that is found in patients at one look, into ``row`` from the number of patients on."""
    m = time.size
    order, bucket, ends = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m + 1, np.int64)
    when, at_risk, failures = np.empty(m), np.empty((m, 2)), np.empty((m, 2))
    area, weight = np.empty(m), np.empty(m)
    put_in_order(time, order, bucket, ends)
    rows = tabulate(time, arm, failed, stratum, -1, order, when, at_risk, failures)
    events = 0.0
    for k in range(rows):
        events += failures[k, 0] + failures[k, 1]
    row[2], row[3] = m, events
    for which in range(2):
        last = -1.0
        for i in range(m):
            if arm[i] == which:
                last = max(last, time[i])
        found = 9 + 4 * which
        row[found], row[found + 1], row[found + 2], row[found + 3] = curve(
            when[:rows], at_risk, failures, which, last, milestone, horizon, area, weight
        )
    score, spread, k, in_treatment = 0.0, 0.0, 0, 0
    control, treatment = np.empty(m), np.empty(m)
    for wanted in range(strata):
        if strata > 1:
            rows = tabulate(time, arm, failed, stratum, wanted, order, when, at_risk, failures)
        one, two = log_rank(at_risk[:rows], failures[:rows])
        score += one
        spread += two
        k += cox_terms(at_risk[:rows], failures[:rows], control[k:], treatment[k:])
        for j in range(rows):
            in_treatment += int(failures[j, 1])
    row[4] = score / np.sqrt(spread) if spread > 0 else np.nan
    row[5] = row[4] * row[4]
    row[6], row[7], row[8] = cox(control[:k], treatment[:k], in_treatment)


# -- trials -------------------------------------------------------------------------------------------------------


@compiled
def run(course, plan, key, first, count):
    """Simulate and analyse ``count`` trials from number ``first`` on: shape (count, looks, statistics)."""
    n, looks = course.arm.size, plan.months.size
    out = np.empty((count, looks, len(STATISTICS)))
    entry, time, hsct, one, two = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    failed, calendar, ordered = np.empty(n, np.int8), np.empty(n), np.empty(n, np.int64)
    seen, arm = np.empty(n), np.empty(n, np.int8)
    fails, stratum = np.empty(n, np.int8), np.empty(n, np.int8)
    bucket, ends = np.empty(n, np.int64), np.empty(n + 1, np.int64)
    at = np.empty(looks)
    for i in range(count):
        draw(course, key, np.uint64(first + i), entry, time, failed, hsct, one, two)
        events = 0
        if plan.by_events:
            for j in range(n):
                if failed[j]:
                    calendar[events] = entry[j] + time[j]
                    events += 1
            put_in_order(calendar[:events], ordered, bucket, ends)
        for look in range(looks):
            at[look] = plan.months[look]
            if 0 < plan.counts[look] <= events:
                at[look] = min(at[look], calendar[ordered[plan.counts[look] - 1]])
        for look in range(looks):
            m, now = 0, at[look]
            for j in range(n):
                if entry[j] < now:
                    until = entry[j] + time[j] <= now
                    seen[m] = time[j] if until else now - entry[j]
                    fails[m] = failed[j] if until else 0
                    arm[m], stratum[m] = course.arm[j], course.stratum[j]
                    m += 1
            row = out[i, look]
            row[0], row[1] = now, look == looks - 1 or now < at[looks - 1]
            analyse(seen[:m], arm[:m], fails[:m], stratum[:m], plan.strata, plan.milestone, plan.horizon, row)
    return out
