"""Events ingested a second, beside plain `json.loads` of the same lines.

    python -m benchmarks.ingest [--lines N] [--workers N]

The lines are made up (`benchmarks.tracking`), written as rotated log files, and ingested by
`predictor.ingestion` into an event store: read, folded, stored, duplicates dropped, compacted.
`--lines 13600000` is the size of the Communicator study and writes about 13 GB below the folder for temporary
files.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from benchmarks.tracking import lines
from predictor.helpers import cores
from predictor.ingestion import ingest

FILES = 10


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=cores())
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        logs = list(written(Path(folder), options.lines))
        size = sum(log.stat().st_size for log in logs)
        print(f"   {options.lines:,} lines in {len(logs)} files, {size / 1e6:,.0f} MB")
        rival = loads(logs)
        report = ingest(logs, Path(folder) / "store", workers=options.workers)
    ours = options.lines / report.seconds
    stored = report.added / report.seconds
    print(f"   json.loads alone               {rival:>10,.0f} lines/s")
    print(f"   ingest, {options.workers} helper processes    {ours:>10,.0f} lines/s")
    print(f"   ratio to json.loads            {ours / rival:>10.2f}")
    print(f"   events stored                  {stored:>10,.0f} events/s ({report.added:,} events)")
    print(f"   13.6 million lines would take  {13.6e6 / ours:>10,.0f} s at this speed")
    print(f"   peak memory                    {peak():>10,.0f} MB (this process and its largest helper)")


def written(folder: Path, count: int) -> Iterator[Path]:
    """The lines as rotated log files."""
    made = lines(count)
    share = -(-count // FILES)
    for number in range(FILES):
        path = folder / f"tracking.log-{number:02d}"
        with open(path, "wb") as file:
            file.writelines(islice(made, share))
        yield path


def loads(logs: list[Path]) -> float:
    """Lines a second that the standard library's JSON reader decodes, over at most 200,000 lines."""
    sample = list(islice(chain.from_iterable(log.read_bytes().splitlines() for log in logs), 200_000))
    started = time.perf_counter()
    for line in sample:
        json.loads(line)
    return len(sample) / (time.perf_counter() - started)


def peak() -> float:
    """Megabytes of memory at the highest, this process and the largest that it started."""
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage) / 1e3


if __name__ == "__main__":
    main()
