"""Results of a campaign: one table with a row a scenario, as it goes into a protocol, and beside it where it came from."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from casebook import arguments
from casebook.design import batches, engines, scenarios
from casebook.design.tally import COX, LOG_RANK, MEAN, MILESTONE, TRIAL, summarise
from casebook.design.truth import level
from casebook.errors import CasebookError

if TYPE_CHECKING:
    import pandas as pd

    from casebook.design.campaign import Campaign

FORMATS = (".csv", ".parquet")

ANALYSES = (LOG_RANK, COX, MILESTONE, MEAN, TRIAL)

SCARCE = 0.9
"""The share of trials with an estimate below which it is said that values rest on the others only."""

SPARE = 0.02
"""The share by which bounds may be above their level unsaid, as they are printed to two decimals or three."""

log = logging.getLogger(__name__)


def table(campaign: Campaign) -> pd.DataFrame:
    """The table of results: a row a scenario, in the order of the scenarios.

    Returns
    -------
    DataFrame
        ``id`` and ``note``, then the other columns of the scenarios that hold in some row, as the texts of
        :func:`casebook.design.scenarios.frame`; ``null_holds``, "yes" where rejections are type I errors, "no" where they
        are power; ``level_of_bounds``, if some are known, by :func:`casebook.design.truth.level`; ``trials`` and ``seed``;
        then by analysis each measure of :func:`casebook.design.tally.summarise`, as
        ``cox_bias``, with its Monte Carlo standard error, as ``cox_bias_mc_error``, and what estimates are to find, as
        ``cox_truth``; and last ``versions``. Rejections stand under ``log_rank_power`` or ``log_rank_type_i_error``, as
        they are the one or the other. Bias, coverage and standard errors rest on the share of trials that
        ``cox_estimable`` tells. Missing where a scenario does not have it, or too few trials do.
    """
    import pandas as pd

    ids = [scenario.id for scenario in campaign.scenarios]
    found = pd.concat(
        [
            summarise(scenario, campaign.tallies[scenario.id]).assign(id=scenario.id)
            for scenario in campaign.scenarios
        ]
    )
    assumed = scenarios.frame(campaign.scenarios)
    held = [name for name in assumed if name not in ("id", "note") and (assumed[name] != "").any()]
    levels = [level(scenario) for scenario in campaign.scenarios]
    columns = {
        **{name: assumed[name].to_numpy() for name in ("id", "note", *held)},
        "null_holds": ["yes" if scenario.null else "no" for scenario in campaign.scenarios],
        **({"level_of_bounds": levels} if any(map(pd.notna, levels)) else {}),
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


def scarce(campaign: Campaign) -> list[str]:
    """A sentence for each scenario and analysis of which fewer than :data:`SCARCE` of the trials have a result."""
    return [
        f"scenario {scenario.id}: found a result of the analysis {analysis} in {there:,} of {tally.trials:,} trials; "
        f"expected {SCARCE:.0%} or more, as bias, coverage and standard errors are of these only"
        for scenario in campaign.scenarios
        for tally in [campaign.tallies[scenario.id]]
        for analysis in ANALYSES
        for there in [tally.counts.get(f"{analysis}: estimable", tally.trials)]
        if there < SCARCE * tally.trials
    ]


def loose(campaign: Campaign) -> list[str]:
    """A sentence for each scenario whose bounds have a level above its alpha: by intent, or by mistake."""
    return [
        f"scenario {scenario.id}: found bounds of a two-sided level of {found:.4f}; expected alpha, {scenario.alpha:g}, at most"
        for scenario in campaign.scenarios
        for found in [level(scenario)]
        if found is not None and found > (1 + SPARE) * scenario.alpha
    ]


def _name(analysis: str, measure: str) -> str:
    return re.sub(r"\W+", "_", f"{analysis} {measure}").lower()


# -- the file -------------------------------------------------------------------------------------------------------


def check(path: Path | str, *, overwrite: bool = False, apart_from: Iterable[Path | str] = ()) -> None:
    """Refuse a file that results cannot be written to: better before a day of simulation than after it.

    Parameters
    ----------
    path : path
        Of the table. What is said here of its file holds for the one :func:`beside` it, too.
    overwrite : bool
        Whether a file that is there may be written over.
    apart_from : iterable of path
        What is never written over, as the table of scenarios.

    Raises
    ------
    CasebookError
        If the ending is none of :data:`FORMATS`, there is no such folder or no right to write in it, a file is a folder, or
        one of those that are never written over, or is there and is not to be overwritten.
    """
    path = _path(path)
    if path.suffix.lower() not in FORMATS:
        raise CasebookError(
            f"found results with the ending {path.suffix!r} ({path.name}); expected {' or '.join(FORMATS)}"
        )
    for file in (path, beside(path)):
        real = _followed(file)
        for other in apart_from:
            if real == _followed(other) or (real.exists() and Path(other).exists() and real.samefile(other)):
                raise CasebookError(
                    f"found {file} to be the same as {other}; expected another name, as results would take its place"
                )
        if real.is_symlink():  # what is followed to its end is one no longer
            raise CasebookError(f"found {file} to be a link in a circle; expected one to a file")
        if real.is_dir():
            raise CasebookError(f"found {file} to be a folder; expected the name of a file")
        if real.exists() and not overwrite:
            raise CasebookError(
                f"found {file} there already; expected another name, or --overwrite (in Python overwrite=True): batches that "
                "are finished are used again"
            )
        with batches.writable(file):
            batches.try_write(real)


def beside(path: Path) -> Path:
    """The file that tells where results came from."""
    return path.with_name(f"{path.name}.json")


def write(
    campaign: Campaign, path: Path | str, *, overwrite: bool = False, apart_from: Iterable[Path | str] = ()
) -> None:
    """Write the table as CSV or Parquet, whole or not at all, and beside it (:func:`beside`) where it came from.

    The bytes of the table depend on scenarios, seed, trials and versions only. What differs between two runs stands in the
    file beside it: the date, and how many batches were computed or reused; also the checksum of the table, the versions, the
    warnings of :func:`scarce` and :func:`loose`, which are logged, too, and all the scenarios. In Parquet, seed, trials and
    versions are also metadata of the schema, as ``casebook``. A path that is a link is followed: what it points to is written.

    Raises
    ------
    CasebookError
        As :func:`check`; or if a file cannot be written, naming it.
    """
    path = _path(path)
    check(path, overwrite=overwrite, apart_from=apart_from)
    made_from = {"seed": campaign.seed, "trials": campaign.trials, "versions": engines.versions()}
    frame = table(campaign)
    content = _csv(frame) if path.suffix.lower() == ".csv" else _parquet(frame, made_from)
    assumed = scenarios.frame(campaign.scenarios).to_dict("records")
    warnings = [*scarce(campaign), *loose(campaign)]
    for warning in warnings:
        log.warning("%s", warning)
    origin = {
        "results": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **made_from,
        "batches": {name: getattr(campaign, name) for name in ("computed", "reused", "damaged")},
        "warnings": warnings,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "scenarios": [{name: cell for name, cell in row.items() if cell != ""} for row in assumed],
    }
    words = (json.dumps(origin, indent=2, ensure_ascii=False) + "\n").encode()
    # The table first: if the other cannot follow, its checksum tells that it is of an older one.
    batches.replace({_followed(path): content, _followed(beside(path)): words}, durable=True)


def _path(path: Path | str) -> Path:
    if not isinstance(path, str | PathLike):
        raise CasebookError(f"path: found {arguments.shown(path)}, expected that of a file for results")
    return Path(path)


def _followed(path: Path | str) -> Path:
    """The file that is written: what a link points to, and not the link."""
    return Path(os.path.realpath(path))


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _parquet(frame: pd.DataFrame, made_from: dict) -> bytes:
    import pyarrow
    from pyarrow import parquet

    content, found = io.BytesIO(), pyarrow.Table.from_pandas(frame, preserve_index=False)
    parquet.write_table(
        found.replace_schema_metadata({**found.schema.metadata, b"casebook": json.dumps(made_from).encode()}),
        content,
    )
    return content.getvalue()
