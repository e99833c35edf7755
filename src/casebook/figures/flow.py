"""The flow of treatment as HTML: one ordered list for each child, side by side where there is room, stacked on a phone."""

from __future__ import annotations

import re
from html import escape

import pandas as pd

from casebook.figures import _frames

COLUMNS = ("case", "order", "title", "kind")
OPTIONAL = ("detail", "reading", "when")
KINDS = ("diagnosis", "chemotherapy", "infusion", "transplant", "reading", "follow_up")

# The page's own colours where there are any; the text's colour otherwise, so that both themes and a page without a theme work.
STYLE = """
.casebook-flow{--line:var(--pst-color-border,rgba(128,128,128,.6));--quiet:var(--pst-color-text-muted,inherit);--accent:#00628f;
color:var(--pst-color-text-base,currentColor);display:grid;gap:1.75rem 1.25rem;margin:1rem 0;line-height:1.4;
grid-template-columns:repeat(auto-fit,minmax(min(100%,11.5rem),1fr))}
html[data-theme="dark"] .casebook-flow{--accent:#6cbfe6}
.casebook-flow section{display:flex;flex-direction:column;min-width:0}
.casebook-flow .flow-case{font-weight:600;margin:0 0 .5rem;padding:0}
.casebook-flow .flow-steps{display:flex;flex:1;flex-direction:column;list-style:none;margin:0;padding:0}
.casebook-flow .flow-steps>li{display:flex;flex-direction:column;margin:0;padding:0}
.casebook-flow .flow-steps>.flow-infusion{flex:1}
.casebook-flow li+li::before{content:"";flex:1 0 1.15rem;width:0;margin-left:1.1rem;border-left:2px solid var(--line)}
.casebook-flow .flow-step{position:relative;border:1px solid var(--line);border-radius:.4rem;padding:.45rem .7rem .5rem}
.casebook-flow li+li .flow-step::before{content:"";position:absolute;left:calc(1.1rem - 5px);top:-8px;
border:5px solid transparent;border-bottom-width:0;border-top:7px solid var(--line)}
.casebook-flow .flow-infusion .flow-step{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.casebook-flow .flow-transplant .flow-step{border-color:currentColor;box-shadow:inset 0 0 0 1px currentColor}
.casebook-flow .flow-reading .flow-step,.casebook-flow .flow-follow_up .flow-step{border-style:dashed}
.casebook-flow .flow-step p{margin:0}
.casebook-flow .flow-title{font-weight:600}
.casebook-flow .flow-detail,.casebook-flow .flow-when{color:var(--quiet);font-size:.875em}
.casebook-flow .flow-step .flow-found{font-size:.9375em;font-variant-numeric:tabular-nums}
.casebook-flow .flow-step p+.flow-found{margin-top:.3rem;padding-top:.25rem;border-top:1px solid var(--line)}
@media print{.casebook-flow li{break-inside:avoid}}
"""


def flow(steps: pd.DataFrame, *, caption: str) -> str:
    """The steps as HTML: a flowchart with CSS, a list of ordered lists without it.

    Parameters
    ----------
    steps : columns ``case`` (the label of a child; columns of the chart in the order in which they first stand),
        ``order`` (a number that puts the child's steps in order), ``title``, ``kind`` ("diagnosis",
        "chemotherapy", "infusion", "transplant", "reading" or "follow_up"); optional ``detail`` (agents), ``when``,
        ``reading`` (what was found after it). All text is escaped.
    caption : stands below the chart; can be read alone.

    Returns
    -------
    One HTML figure with its style, no script and no ids: the same text for the same steps.

    Raises
    ------
    CasebookError
        A column is missing, a kind is unknown, an order is no number, or stands twice in one case; the message names
        the rows.
    """
    steps = _frames.require(steps, "steps", COLUMNS, dict.fromkeys(OPTIONAL, ""))
    _frames.members(steps, "steps", "kind", KINDS)
    steps = _frames.bounds(steps, "steps", ("order", "order"), finite=True)
    twice = steps.duplicated(["case", "order"])
    _frames.fail(
        "steps",
        [
            f"row {row!r}, column 'order': {order:g} stands twice in this case"
            for row, order in steps.loc[twice, "order"].items()
        ],
    )
    columns = "\n".join(
        _column(case, mine.sort_values("order")) for case, mine in steps.groupby("case", sort=False)
    )
    chart = f'<div class="casebook-flow" role="group" aria-label="Flow of treatment">\n<style>{STYLE}</style>\n{columns}\n</div>'
    return f'<figure class="casebook-figure">\n{chart}\n<figcaption>{escape(caption)}</figcaption>\n</figure>'


def _column(case: str, steps: pd.DataFrame) -> str:
    name = escape(str(case))
    items = "\n".join(_step(step) for step in steps.itertuples())
    head = f'<p class="flow-case">{name}</p>\n<ol class="flow-steps" aria-label="{name}, in order">'
    return f'<section aria-label="{name}">\n{head}\n{items}\n</ol>\n</section>'


def _step(step) -> str:
    lines = [("title", step.title), ("detail", step.detail), ("when", step.when), ("found", step.reading)]
    text = "".join(f'<p class="flow-{name}">{_text(words)}</p>' for name, words in lines if words)
    return f'<li class="flow-{step.kind}"><div class="flow-step">{text}</div></li>'


def _text(words: object) -> str:
    # "< 0.01%" is one word: a line that ends in "<" says nothing.
    return re.sub(r"(&lt;|&gt;|[≤≥×]) (?=\d)", "\\1&nbsp;", escape(str(words)))
