"""What a chapter needs of the book it stands in: numbers in its prose, and what it was made with."""

from __future__ import annotations

from importlib import metadata

from casebook.errors import CasebookError

STACK = ("casebook", "numpy", "pandas", "scipy", "matplotlib", "seaborn", "lifelines")
"""Packages named in a chapter's footer. Not Python: the same lock gives the same pages on every version of it."""


def glue(**texts: str) -> None:
    """Make texts available to the prose of the book, each under its name.

    Numbers are refused: a number glued with a format prints as nothing, so it is formatted here first.
    """
    from myst_nb import glue as paste

    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            raise CasebookError(f"glue text, not {text!r}: format {name} first")
        paste(name, text, display=False)


def footer() -> object:
    """The versions that made this page, as the last output of a chapter."""
    from IPython.display import HTML

    versions = " · ".join(f"{name} {metadata.version(name)}" for name in STACK)
    return HTML(f'<p class="casebook-footer">Made with {versions}.</p>')
