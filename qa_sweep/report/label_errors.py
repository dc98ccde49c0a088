"""Label errors: questions whose reference is likely wrong.

What every good trial answers alike, surely, and not as the reference says, is worth a look by
somebody who knows: often the reference is wrong, too narrow, or one of several.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qa_sweep.cells import cell
from qa_sweep.errors import StudyError
from qa_sweep.qa.scores import normalize_answer
from qa_sweep.report.answers import on_same_questions, read_answers
from qa_sweep.report.predicted import Predicted, read_predicted, read_texts
from qa_sweep.report.verdict import judge, listed
from qa_sweep.report.wrong_answer import WrongAnswer
from qa_sweep.sweep.studies import StudyOnDisk

CONFIDENT = 0.5  # probability of an answer that is likelier than all others together
_COLUMNS = (
    *("id", "question", "context", "references", "answer", "start", "end"),
    *("mean_probability", "n_trials", "kind"),
)
_N_NAMED = 6  # trials; of more it is said how many
_BETWEEN_REFERENCES = " | "


@dataclass(frozen=True)
class LabelErrors:
    """Those of a study, the likeliest first.

    Of each question there is the best trial's answer, to which the others' are equal after SQuAD's
    normalization, and the mean of their probabilities.
    """

    trials: tuple[int, ...]  # the good ones, best first
    found: tuple[WrongAnswer, ...]

    def sentence(self) -> str:
        count, n_trials = len(self.found), len(self.trials)
        good = f"Trials {listed(self.trials)}" if n_trials <= _N_NAMED else f"{n_trials} trials"
        return (
            f"{good}, tied for best, give {count} "
            f"question{'' if count == 1 else 's'} the same answer, each with a probability of at "
            f"least {CONFIDENT}, that is not the reference."
        )


def write_label_errors(study: StudyOnDisk, path: Path) -> int:
    """Write the likely label errors of a study to a CSV file (`-` for standard output).

    Returns how many there are. Raises StudyError where fewer than two trials are good enough to
    tell, OutputError where the file cannot be written.
    """
    from qa_sweep.study.export import write

    errors = find_label_errors(study)
    write(_as_csv(errors), str(path))
    return len(errors.found)


def find_label_errors(study: StudyOnDisk, tied: Sequence[int] | None = None) -> LabelErrors:
    """By the trials that are tied for best: `tied`, where that is known already.

    Raises StudyError where these are fewer than two.
    """
    trials = _tied(study) if tied is None else list(tied)
    if len(trials) < 2:
        found = f"trial {trials[0]} alone is best" if trials else "none has left its answers"
        raise StudyError(
            f"at least two trials must be tied for best to tell likely label errors, but of study "
            f"{study.name} {found}; repeat the best params: hydra.sweeper.repeats=3"
        )
    texts = read_texts(study, trials[0])
    return among([read_predicted(study, number, texts) for number in trials])


def _tied(study: StudyOnDisk) -> list[int]:
    """Best first, by the objective, or by F1 where that is no score of questions."""
    runs = on_same_questions(read_answers(study))
    objective = study.objectives[0].name
    return judge(runs, objective if objective in runs[0].scores else "f1").tied if runs else []


def among(good: Sequence[Predicted]) -> LabelErrors:
    """The label errors by the `good` runs, which answered the same questions, best first."""
    probability = np.stack([run.probability for run in good])
    all_miss = np.all([run.exact_match != 1 for run in good], axis=0)
    suspects = np.flatnonzero(all_miss & (probability >= CONFIDENT).all(axis=0)).tolist()
    mean = probability.mean(axis=0)
    found = [
        replace(WrongAnswer.of(good[0], question), probability=float(mean[question]))
        for question in suspects
        if _agree(good, question)
    ]
    found.sort(key=lambda error: -error.probability)
    return LabelErrors(tuple(run.number for run in good), tuple(found))


def _agree(good: Sequence[Predicted], question: int) -> bool:
    answer = normalize_answer(good[0].answers[question])
    return all(normalize_answer(run.answers[question]) == answer for run in good[1:])


def _as_csv(errors: LabelErrors) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for error in errors.found:
        start, end = error.span or ("", "")
        row = (
            *(error.id, error.question, error.context),
            *(_BETWEEN_REFERENCES.join(dict.fromkeys(error.references)), error.answer, start, end),
            *(round(error.probability, 4), len(errors.trials), error.examined.kind.value),
        )
        writer.writerow(map(cell, row))
    return text.getvalue()
