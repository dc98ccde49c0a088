"""A run that ends before its time, for good: what it leaves behind."""

import pytest

from qa_sweep import job
from qa_sweep.config import (
    EmbeddedData,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.errors import Diverged
from qa_sweep.sweep.trial import Pruned, TrialHandle


class ToBePruned(TrialHandle):
    def should_prune(self) -> bool:
        return True


EXPLODING = TrainerConfig(evaluations_per_epoch=4, weight_decay=1000, warmup=0, learning_rate=0.004)


@pytest.mark.parametrize(
    ("end", "trainer", "n_train", "handle"),
    [
        (Pruned, TrainerConfig(epochs=2), 32, ToBePruned()),
        (Diverged, EXPLODING, 256, TrialHandle()),
    ],
)
def test_a_run_from_which_none_goes_on_keeps_what_it_answered_and_no_checkpoints(
    end, trainer, n_train, handle, tmp_path
) -> None:
    config = RunConfig(
        model=TinyModel(vocabulary_size=200),
        data=EmbeddedData(n_train=n_train, n_eval=8),
        trainer=trainer,
        tracking=TrackingConfig(tracker=Tracker.off),
    )
    with pytest.raises(end):
        job.run(config, tmp_path, handle)
    assert len(list((tmp_path / "evaluations").iterdir())) == 1
    assert not (tmp_path / "checkpoints").exists()
