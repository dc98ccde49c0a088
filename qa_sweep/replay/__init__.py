"""Replay: repeats a run from its record, and says whether it got the same numbers."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from qa_sweep.commands import one_line_errors


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Repeat a run; return 0 where it got the same numbers, else 1."""
    options = _parser().parse_args(arguments)
    from qa_sweep.replay.finding import find_run, free_folder
    from qa_sweep.run_record import RunRecord

    folder = find_run(options.run, options.results, options.storage)
    then = RunRecord.read(folder)
    copy = free_folder(folder, options.results, options.to)
    from qa_sweep.replay.repeating import plan, repeat
    from qa_sweep.replay.telling import show

    config = plan(then, track=options.track)
    print(f"{folder} is repeated in {copy}", flush=True)
    return show(then, repeat(config, copy))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qa_sweep.replay",
        description="Repeat a run from its record; say whether it got the same numbers.",
        epilog="The exit code is 0 where they are the same, else 1.",
    )
    parser.add_argument("run", help="a run folder, STUDY/N, or trial N of the latest study")
    parser.add_argument("--to", type=Path, help="new folder; by default one in RESULTS/replays")
    parser.add_argument("--track", action="store_true", help="track it as the run was tracked")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--storage", help="database URL, where it is not in the results")
    return parser
