"""Study times: when the trials of a study on disk were begun and ended."""

from dataclasses import dataclass
from pathlib import Path

from growth_parts.work import in_process


@dataclass(frozen=True)
class StudyTimes:
    """In seconds since the first trial was begun, in the order in which they were."""

    begun: list[float]
    ended: list[float]

    @property
    def span_s(self) -> float:
        """From the first one's begin to the last one's end: without starting and ending a sweep."""
        return max(self.ended)

    def interval_s(self, share: slice) -> float:
        """Mean time from one trial's begin to the next one's, of these trials."""
        begun = self.begun[share]
        return (begun[-1] - begun[0]) / (len(begun) - 1)


def study_times(results: Path) -> StudyTimes:
    """Those of the only study in a folder of results; read in another process."""
    return in_process(_read, results)


def _read(results: Path) -> StudyTimes:
    from qa_sweep.sweep.studies import find_study

    trials = find_study(results).all_trials
    whole = [t for t in trials if t.datetime_start is not None and t.datetime_complete is not None]
    if len(whole) < len(trials):
        raise RuntimeError(
            f"all trials in {results} must have ended, but {len(whole)} of {len(trials)} have"
        )
    whole.sort(key=lambda trial: trial.datetime_start)
    first = whole[0].datetime_start
    begun = [(trial.datetime_start - first).total_seconds() for trial in whole]
    ended = [(trial.datetime_complete - first).total_seconds() for trial in whole]
    return StudyTimes(begun, ended)
