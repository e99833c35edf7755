"""Figures of the casebook: drawn from tidy data frames, on given or new axes, and given back as Axes.

What is printed is not always what is known. Every position is a pair of bounds, either of which may be infinite: a figure draws
a bar where it knows an interval, an arrow where it knows one side, and nothing where it knows nothing. Where a published number
was read is shown by its mark.
"""

from casebook.figures import style
from casebook.figures.before_after import before_after
from casebook.figures.calibration import calibration
from casebook.figures.children_needed import children_needed
from casebook.figures.estimates import estimates
from casebook.figures.flow import flow
from casebook.figures.forest import forest
from casebook.figures.hazard_ratios import hazard_ratios
from casebook.figures.kinetics import kinetics
from casebook.figures.landscape import landscape
from casebook.figures.net_benefit import net_benefit
from casebook.figures.occupation import occupation
from casebook.figures.operating import operating
from casebook.figures.rate_curves import rate_curves
from casebook.figures.stopping_rule import stopping_rule
from casebook.figures.study_sizes import study_sizes
from casebook.figures.survival import survival
from casebook.figures.swimmer import draw_arrows, draw_points, draw_spans, swimmer
from casebook.figures.timeline import timeline
from casebook.figures.trajectory import trajectory
from casebook.figures.turnbull import turnbull

__all__ = [
    "before_after",
    "calibration",
    "children_needed",
    "draw_arrows",
    "draw_points",
    "draw_spans",
    "estimates",
    "flow",
    "forest",
    "hazard_ratios",
    "kinetics",
    "landscape",
    "net_benefit",
    "occupation",
    "operating",
    "rate_curves",
    "stopping_rule",
    "study_sizes",
    "style",
    "survival",
    "swimmer",
    "timeline",
    "trajectory",
    "turnbull",
]
