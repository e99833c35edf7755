"""Where things are, whatever directory a notebook or a test is run from."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("CASEBOOK_ROOT", Path(__file__).parents[2])).resolve()
DATA = ROOT / "data"
CHAPTERS = ROOT / "chapters"
