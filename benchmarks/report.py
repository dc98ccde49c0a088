"""What a report costs: time, memory and size of the page, for a study of 6 trials and one of 500.

    python benchmarks/report.py --output report.json

Makes studies through Optuna, with the folders that runs leave: records of all complete trials, and
answers to 1,000 questions, with their n-best, of 50 of them. Each report is a process of its own.
Needs the extra `report`.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from processes import Cost, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[6, 500])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to make the studies; kept if given")
    parser.add_argument("--output", type=Path, help="JSON file for all costs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="report-") as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        found = {
            count: costs_of(folder / str(count), count, options.repeats) for count in options.counts
        }
    show(found)
    if options.output is not None:
        options.output.write_text(json.dumps(found, indent=2, default=asdict) + "\n")


def costs_of(folder: Path, count: int, repeats: int) -> dict[str, Any]:
    """Costs of each way to report a study of so many trials, which is made if it is missing."""
    results = folder / "results"
    if not results.exists():
        print(f"making {count} trials in {folder}", flush=True)
        in_process(make, results, count)
    html = folder / "report.html"
    ways = {"terminal": [], "page": ["--html", str(html)], "csv": ["--csv", str(folder / "c.csv")]}
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, words in ways.items():
            places = ["--results", str(results), "--repo", str(folder)]
            command = [sys.executable, "-m", "qa_sweep.report", *places, *words]
            costs[way].append(measure(command, folder))
    return {"costs": costs, "page_mb": html.stat().st_size / 1e6}


def in_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run it in a new process: the peak of a process counts what its parent held as it began."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def make(results: Path, count: int) -> None:
    from report_parts.made_study import make_study

    make_study(results, count)


def show(found: dict[int, dict[str, Any]]) -> None:
    print(f"{'trials':>6}  {'report':10}{'wall s':>22}{'CPU s':>22}{'peak MB':>22}")
    for count, result in found.items():
        for way, costs in result["costs"].items():
            cells = [
                spread([getattr(cost, field.name) for cost in costs]) for field in fields(Cost)
            ]
            print(f"{count:>6}  {way:10}" + "".join(f"{cell:>22}" for cell in cells))
        print(f"{count:>6}  the page has {result['page_mb']:.1f} MB")


def spread(values: Sequence[float]) -> str:
    """Median, lowest and highest."""
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


if __name__ == "__main__":
    main()
