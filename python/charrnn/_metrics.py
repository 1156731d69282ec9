"""The metrics of a run as a pandas frame."""

from __future__ import annotations

import json
import os
import pathlib
from typing import TYPE_CHECKING

from ._errors import Error, InputError

if TYPE_CHECKING:
    import pandas


def metrics(run: str | os.PathLike[str], kind: str | None = None) -> pandas.DataFrame:
    """The lines of a run's metrics.jsonl, as a pandas.DataFrame. Also of a run that is under way.

    ``run`` is a run's folder or a metrics.jsonl. ``kind`` chooses lines: ``"train"``, ``"valid"``, ``"sample"``,
    ``"checkpoint"`` or ``"event"``; the columns are then those that such lines have. Needs pandas.

    >>> charrnn.metrics("runs/quickstart", "valid").plot(x="step", y="loss_nats")
    """
    try:
        import pandas
    except ImportError:
        raise ImportError("charrnn.metrics needs pandas: pip install pandas") from None
    path = pathlib.Path(os.fspath(run))
    file = path / "metrics.jsonl" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{file} cannot be read ({problem.strerror}): expected a run's folder with a metrics.jsonl") from None
    records = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break  # the run is writing it
        try:
            record = json.loads(line)
            if kind is None or record["kind"] == kind:
                records.append(record)
        except (ValueError, KeyError, TypeError):
            raise Error(f"line {number} of {file} is not a line of metrics: {line[:60]!r}") from None
    return pandas.DataFrame.from_records(records)
