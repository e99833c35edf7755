"""The reader's panel: what a few children, with and without an event, say of a published rate.

The panel is HTML that is right as it stands: every number is computed here. ``panel.js``, which travels inside it, lets
a reader change the counts and the rate in a page without a server. It does the same sums and says them in the same words;
a test holds the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from numbers import Real

from casebook.errors import CasebookError
from casebook.trials import rates

CONFIDENCE = 0.95

MOST_CHILDREN = 1000
"""The largest group a reader can ask about."""

MOST_NEEDED = 100_000
"""Where the search for the number of children needed gives up."""

TIE = 1e-9
"""How near two numbers count as equal: an upper limit that meets the rate does not lie below it, whichever way it rounds."""

PRESETS = {
    "Serious adverse events, blinatumomab": 24.1,
    "Serious adverse events, chemotherapy": 43.1,
    "Adverse events of grade 3 or higher, blinatumomab": 57.4,
    "Adverse events of grade 3 or higher, chemotherapy": 82.4,
}
"""The rates (percent) that the case report sets itself beside, by name."""

EXPECTED = {
    "events": "a whole number from 0 to the number of children",
    "children": f"a whole number from 1 to {MOST_CHILDREN}",
    "rate": "a percentage from 0.1 to 99.9, with one decimal at most",
}
"""What each field takes, as said to a reader beside it."""


@dataclass(frozen=True)
class Values:
    """The texts that the panel shows, ready to be read.

    Attributes
    ----------
    sentence : what the numbers mean, in one sentence.
    observed : events among children, percent.
    lower, upper : the two-sided Clopper-Pearson limits, percent.
    interval : both in one text.
    one_sided : the one-sided upper Clopper-Pearson limit, percent.
    exactly, at_most : the probability of exactly, and of at most, that many events if the rate were the compared one.
    needed_one_sided, needed_two_sided : the smallest number of children at which, with that many events, the upper limit
        lies below the rate.
    rate, events, children : what was asked, with units.
    """

    sentence: str
    observed: str
    lower: str
    upper: str
    interval: str
    one_sided: str
    exactly: str
    at_most: str
    needed_one_sided: str
    needed_two_sided: str
    rate: str
    events: str
    children: str


def values(events: int, children: int, rate: float) -> Values:
    """All that the panel shows for one choice of the reader's.

    Parameters
    ----------
    events : int
        Children with an event, 0 to ``children``.
    children : int
        Children observed, 1 to 1000.
    rate : float
        The rate to compare with, in percent: 0.1 to 99.9, with one decimal at most. Taken as known without error.

    Raises
    ------
    CasebookError
        For any other input.

    Notes
    -----
    Percentages have one decimal, except for the limits 0% and 100% that are exact; probabilities have three
    significant digits; halves round up.
    """
    events, children, rate = _checked(events, children, rate)
    two_sided = rates.clopper_pearson(events, children, CONFIDENCE)
    one_sided = rates.clopper_pearson(events, children, CONFIDENCE, sided="upper")
    at_most = "1" if events == children else _probability(rates.at_most(events, children, rate))
    lower, upper = _percent(two_sided.lower), _percent(two_sided.upper)
    return Values(
        sentence=_sentence(
            events,
            children,
            _percent(rate),
            at_most,
            below=one_sided.upper < rate - TIE,
            wholly_below=two_sided.upper < rate - TIE,
            wholly_above=two_sided.lower > rate + TIE,
        ),
        observed=_percent(events / children),
        lower=lower,
        upper=upper,
        interval=f"{lower} to {upper}",
        one_sided=_percent(one_sided.upper),
        exactly=_probability(rates.probability(events, children, rate)),
        at_most=at_most,
        needed_one_sided=_needed(events, rate, "upper"),
        needed_two_sided=_needed(events, rate, "two"),
        rate=_percent(rate),
        events=_count(events, "event", "events"),
        children=_count(children, "child", "children"),
    )


def html(
    events: int = 0,
    children: int = 3,
    rate: float = 24.1,
    *,
    presets: Mapping[str, float] = PRESETS,
    key: str = "safety",
) -> str:
    """The panel as HTML, with the numbers of its first state in place and its script inside.

    Parameters
    ----------
    events, children, rate : what it shows first, as :func:`values` takes it.
    presets : rates (percent) to choose from, by name; none leaves the choice out. Names are escaped.
    key : sets the ids of this panel apart from another's on the page; lower-case letters, digits and hyphens.

    Returns
    -------
    A form and a script, the same text for the same arguments. Without the script the fields are disabled and a line says
    why; without a style sheet it reads as text.

    Raises
    ------
    CasebookError
        For input that :func:`values` refuses, among the presets too, or a key that no id can hold.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", key):
        raise CasebookError(f"key: found {key!r}, expected lower-case letters, digits and hyphens")
    shown = {name: escape(text) for name, text in asdict(values(events, children, rate)).items()}
    choices = {escape(name): f"{100 * _fraction(percent):.1f}" for name, percent in presets.items()}
    current = f"{100 * _fraction(rate):.1f}"
    script = files("casebook.trials").joinpath("panel.js").read_text(encoding="utf-8")
    lines = [
        f'<form class="casebook-panel" aria-label="A few children beside a published rate" autocomplete="off" novalidate'
        f' data-confidence="{CONFIDENCE}" data-most="{MOST_NEEDED}">',
        "<fieldset disabled>",
        _field(key, "events", "Events", int(events), "0", str(MOST_CHILDREN), "1"),
        _field(key, "children", "Children", int(children), "1", str(MOST_CHILDREN), "1"),
        _field(key, "rate", "Rate to compare with (%)", current, "0.1", "99.9", "0.1"),
        _choice(key, choices, current) if choices else "",
        "</fieldset>",
        '<p class="casebook-panel-still">The numbers can be changed where the page may run its script.</p>',
        _results(key, shown),
        "</form>",
        f"<script>\n{script}</script>",
    ]
    return "\n".join(filter(None, lines))


# -- checking -----------------------------------------------------------------------------------------------


def _checked(events: int, children: int, rate: float) -> tuple[int, int, float]:
    children = rates.checked_whole(children, "children", least=1, most=MOST_CHILDREN)
    events = rates.checked_whole(events, "events", least=0, most=children)
    return events, children, _fraction(rate)


def _fraction(rate: float) -> float:
    """A percentage as a fraction: from whole tenths, so that 24.1 is the same float here and in the script."""
    if isinstance(rate, Real) and not isinstance(rate, bool) and 0 < rate < 100:  # also refuses nan
        tenths = round(float(rate) * 10)
        if 0 < tenths < 1000 and abs(float(rate) * 10 - tenths) < TIE:
            return tenths / 1000
    raise CasebookError(f"rate: found {rate!r}, expected {EXPECTED['rate']}")


# -- saying: panel.js does the same -------------------------------------------------------------------------


def _round(number: float) -> int:
    # Halves go up, and so does what only the last digits of a float keep from being a half: 1/32 has to be 0.0313 here and in
    # the script, whichever way either computed it.
    return math.floor(number + 0.5 + TIE)


def _percent(fraction: float) -> str:
    if fraction in (0, 1):
        return f"{100 * fraction:.0f}%"
    return f"{_round(1000 * fraction) / 10:.1f}%"


def _probability(probability: float) -> str:
    for decimals in (6, 5, 4, 3):
        digits = _round(probability * 10**decimals)
        if digits < 1000:
            return f"{digits / 10**decimals:.{decimals}f}" if digits >= 100 else "< 0.0001"
    return "> 0.999"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _needed(events: int, rate: float, sided: str) -> str:
    # Asked first whether the search ends: the limit falls with every child added.
    if rates.clopper_pearson(events, MOST_NEEDED, CONFIDENCE, sided=sided).upper >= rate:
        return f"more than {MOST_NEEDED:,}"
    return f"{rates.children_needed(rate, CONFIDENCE, sided=sided, events=events):,}"


def _sentence(
    events: int,
    children: int,
    rate: str,
    at_most: str,
    *,
    below: bool,
    wholly_below: bool,
    wholly_above: bool,
) -> str:
    many = _count(children, "child", "children")
    few = _count(events, "event", "events") if events else "no event"
    group = f"{few} in {many}" if events else f"{many} without an event"
    s = "s" if (events or children) == 1 else ""
    if wholly_below:
        return f"{group} exclude{s} {rate}: the whole two-sided interval lies below it."
    if below:
        return f"{group} exclude{s} {rate} by the one-sided limit, but not by the two-sided interval."
    if wholly_above:
        return f"{group} point{s} to a rate above {rate}: the whole two-sided interval lies above it."
    if events == children:
        return f"{group} cannot exclude {rate}: where every child had an event, no upper limit is below 100%."
    so_few = f"at most {few}" if events else few
    return f"{group} cannot exclude {rate}: at that rate, {so_few} in {many} has a probability of {at_most}."


# -- setting ------------------------------------------------------------------------------------------------


def _field(key: str, name: str, label: str, value: object, least: str, most: str, step: str) -> str:
    place = f"casebook-panel-{key}-{name}"
    mode = "decimal" if "." in step else "numeric"
    return (
        f'<div class="casebook-panel-field">\n<label for="{place}">{label}</label>\n'
        f'<input type="number" id="{place}" data-sets="{name}" value="{value}" min="{least}" max="{most}" step="{step}"'
        f' inputmode="{mode}" required>\n'
        f'<p class="casebook-panel-problem" id="{place}-problem" role="alert" hidden>Expected: {EXPECTED[name]}.</p>\n</div>'
    )


def _choice(key: str, choices: Mapping[str, str], current: str) -> str:
    place = f"casebook-panel-{key}-preset"
    chosen = next((name for name, percent in choices.items() if percent == current), None)
    options = "\n".join(
        f'<option value="{percent}"{" selected" if name == chosen else ""}>{name}: {percent}%</option>'
        for name, percent in choices.items()
    )
    other = f'<option value=""{"" if chosen else " selected"}>Another rate</option>'
    return (
        f'<div class="casebook-panel-field casebook-panel-wide">\n<label for="{place}">Published rate</label>\n'
        f'<select id="{place}" data-sets="preset">\n{options}\n{other}\n</select>\n</div>'
    )


def _results(key: str, shown: Mapping[str, str]) -> str:
    fields = " ".join(f"casebook-panel-{key}-{name}" for name in ("events", "children", "rate"))

    def word(name: str) -> str:
        return f'<span data-shows="{name}">{shown[name]}</span>'

    def row(label: str, name: str, mark: str = "") -> str:
        # The sentence alone is read out at every change: eight numbers in a row would drown it.
        kind = f' class="casebook-panel-{mark}"' if mark else ""
        number = f'<output aria-live="off" data-shows="{name}">{shown[name]}</output>'
        return f"<div><dt{kind}>{label}</dt><dd>{number}</dd></div>"

    group = f"{word('events')} in {word('children')}"
    level = f"{CONFIDENCE:.0%}"
    return "\n".join(
        [
            '<div class="casebook-panel-results">',
            f'<p class="casebook-panel-sentence"><output for="{fields}" aria-live="polite" data-shows="sentence">'
            f"{shown['sentence']}</output></p>",
            _bar(shown),
            "<dl>",
            row("Observed", "observed", "dot"),
            row(f"Two-sided {level} interval", "interval", "span"),
            row(f"One-sided {level} upper limit", "one_sided", "end"),
            "</dl>",
            f'<p class="casebook-panel-head casebook-panel-tick">If the rate were {word("rate")}, the probability of</p>',
            "<dl>",
            row(f"exactly {group}", "exactly"),
            row(f"at most {group}", "at_most"),
            "</dl>",
            f'<p class="casebook-panel-head">Children needed, with {word("events")}, until the upper limit is below'
            f" {word('rate')}</p>",
            "<dl>",
            row("by the one-sided limit", "needed_one_sided"),
            row("by the two-sided interval", "needed_two_sided"),
            "</dl>",
            '<p class="casebook-panel-note">Clopper-Pearson limits. The compared rate is taken as known, without an error'
            " of its own.</p>",
            "</div>",
        ]
    )


def _bar(shown: Mapping[str, str]) -> str:
    """The interval on a line from 0% to 100%. The numbers beside it say the same, so that it is not read out."""
    lower, upper, observed = shown["lower"], shown["upper"], shown["observed"]
    one_sided, rate = shown["one_sided"], shown["rate"]
    return "\n".join(
        [
            '<svg class="casebook-panel-bar" width="100%" height="54" aria-hidden="true" stroke="currentColor"'
            ' fill="currentColor">',
            '<line class="casebook-panel-track" x1="0%" x2="100%" y1="30" y2="30"/>',
            f'<line class="casebook-panel-span" data-x1="lower" data-x2="upper" x1="{lower}" x2="{upper}" y1="30" y2="30"'
            ' stroke-width="6"/>',
            f'<line class="casebook-panel-end" data-x1="one_sided" data-x2="one_sided" x1="{one_sided}" x2="{one_sided}"'
            ' y1="23" y2="37" stroke-width="2"/>',
            f'<line class="casebook-panel-tick" data-x1="rate" data-x2="rate" x1="{rate}" x2="{rate}" y1="14" y2="42"'
            ' stroke-width="2"/>',
            f'<text class="casebook-panel-rate" data-x="rate" data-shows="rate" x="{rate}" y="9" text-anchor="middle"'
            f' stroke="none" font-size="12">{rate}</text>',
            f'<circle class="casebook-panel-dot" data-cx="observed" cx="{observed}" cy="30" r="5"/>',
            '<g class="casebook-panel-scale" stroke="none" font-size="12">',
            '<text x="0%" y="52">0%</text>',
            '<text x="50%" y="52" text-anchor="middle">50%</text>',
            '<text x="100%" y="52" text-anchor="end">100%</text>',
            "</g>",
            "</svg>",
        ]
    )
