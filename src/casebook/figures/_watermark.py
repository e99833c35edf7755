"""The word SIMULATED across a plot of patients who do not exist."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from casebook.figures import _words, style


def watermark(ax: Axes) -> None:
    """Write the word across the axes, as a shape and not as text: it lies under all that is read."""
    wide, high = _words.inches(ax)
    shape = TextPath((0, 0), "SIMULATED", size=10, prop={"family": "DejaVu Sans", "weight": "bold"})
    box = shape.get_extents()
    turn = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2).rotate_deg(18)
    turned = shape.transformed(turn)
    box = turned.get_extents()
    size = 0.86 * min(wide / box.width, high / box.height)
    place = Affine2D().scale(size / wide, size / high).translate(0.5, 0.5)
    patch = PathPatch(
        turned.transformed(place), transform=ax.transAxes, fc=style.INK, alpha=0.09, lw=0, zorder=0.5
    )
    patch.set_label("_simulated")
    ax.add_patch(patch)
