"""Results of a campaign: one table with a row a scenario, as it goes into a protocol, and beside it where it came from."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from casebook.design import batches, engines, scenarios
from casebook.design.tally import COX, LOG_RANK, MEAN, MILESTONE, TRIAL, summarise
from casebook.errors import CasebookError

if TYPE_CHECKING:
    import pandas as pd

    from casebook.design.campaign import Campaign

FORMATS = (".csv", ".parquet")

ANALYSES = (LOG_RANK, COX, MILESTONE, MEAN, TRIAL)

REJECTED = {"power": "rejected", "type I error": "rejected"}
"""One column for both: which it is depends on the scenario."""


def table(campaign: Campaign) -> pd.DataFrame:
    """The table of results: a row a scenario, in the order of the scenarios.

    Returns
    -------
    DataFrame
        ``id``, ``note``, ``control`` and ``treatment`` as in the scenario; ``null_holds``, "yes" where rejections are type I
        errors, "no" where they are power; ``trials`` and ``seed``; then by analysis each measure of
        :func:`casebook.design.tally.summarise`, as ``cox_bias``, with its Monte Carlo standard error, as
        ``cox_bias_mc_error``, and what estimates are to find, as ``cox_truth``; and last ``versions``. Missing where a
        scenario does not have it, or too few trials do.
    """
    import pandas as pd

    ids = [scenario.id for scenario in campaign.scenarios]
    found = pd.concat(
        [
            summarise(scenario, campaign.tallies[scenario.id]).assign(id=scenario.id)
            for scenario in campaign.scenarios
        ]
    ).replace({"measure": REJECTED})
    columns = {
        "id": ids,
        "note": [scenario.note or "" for scenario in campaign.scenarios],
        "control": [scenario.control for scenario in campaign.scenarios],
        "treatment": [scenario.treatment for scenario in campaign.scenarios],
        "null_holds": ["yes" if scenario.null else "no" for scenario in campaign.scenarios],
        "trials": [campaign.tallies[name].trials for name in ids],
        "seed": campaign.seed,
    }
    # A scenario may lack some measures: each stands where it does in the scenarios that have the most before it.
    found["place"] = found.groupby(["id", "analysis"]).cumcount()
    places = found.groupby(["analysis", "measure"])["place"].max()
    cells = found.set_index(["id", "analysis", "measure"])
    for analysis, measure in sorted(places.index, key=lambda key: (ANALYSES.index(key[0]), places[key])):
        of_it = cells.xs((analysis, measure), level=("analysis", "measure")).reindex(ids)
        name = _name(analysis, measure)
        columns[name] = of_it["value"].to_numpy()
        columns[f"{name}_mc_error"] = of_it["monte_carlo_error"].to_numpy()
        if measure == "mean estimate":
            columns[_name(analysis, "truth")] = of_it["truth"].to_numpy()
    return pd.DataFrame(columns | {"versions": engines.versions()})


def _name(analysis: str, measure: str) -> str:
    return re.sub(r"\W+", "_", f"{analysis} {measure}").lower()


# -- the file -------------------------------------------------------------------------------------------------------


def check(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that results cannot be written to: better before a day of simulation than after it.

    Raises
    ------
    CasebookError
        If the ending is none of :data:`FORMATS`, there is no such folder or no right to write in it, or the file is there
        and is not to be overwritten.
    """
    if path.suffix not in FORMATS:
        raise CasebookError(
            f"found results with the ending {path.suffix!r} ({path.name}); expected {' or '.join(FORMATS)}"
        )
    if path.is_dir() or (path.exists() and not overwrite):
        raise CasebookError(
            f"found {path} there already; expected another name, or leave to overwrite a file"
        )
    with batches.writable(path):
        batches.try_write(path)


def beside(path: Path) -> Path:
    """The file that tells where results came from."""
    return path.with_name(f"{path.name}.json")


def write(campaign: Campaign, path: Path | str, *, overwrite: bool = False) -> None:
    """Write the table as CSV or Parquet, whole or not at all, and beside it (:func:`beside`) where it came from.

    The bytes of the table depend on scenarios, seed, trials and versions only. What differs between two runs stands in the
    file beside it: the date, and how many batches were computed or reused; also the checksum of the table, the versions and
    all the scenarios.

    Raises
    ------
    CasebookError
        As :func:`check`.
    """
    path = Path(path)
    check(path, overwrite=overwrite)
    frame, content = table(campaign), io.BytesIO()
    if path.suffix == ".csv":
        frame.to_csv(content, index=False, lineterminator="\n")
    else:
        frame.to_parquet(content, index=False)
    assumed = scenarios.frame(campaign.scenarios).to_dict("records")
    origin = {
        "results": path.name,
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": campaign.seed,
        "trials": campaign.trials,
        "batches": {name: getattr(campaign, name) for name in ("computed", "reused", "damaged")},
        "versions": engines.versions(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "scenarios": [{name: cell for name, cell in row.items() if cell != ""} for row in assumed],
    }
    with batches.writable(path):
        batches.replace(beside(path), (json.dumps(origin, indent=2, ensure_ascii=False) + "\n").encode())
        batches.replace(path, content.getvalue())
