"""Stop flag: tells workers to stop that no signal reaches, through the study's storage."""

import os
import signal
import threading
from contextlib import suppress

import optuna

_LOOK_INTERVAL_S = 2.0


class StopFlag:
    """What the workers of one sweep are told, wherever they are."""

    def __init__(self, study: optuna.Study, sweep: str) -> None:
        self._study = study
        self._name = f"stop {sweep}"

    def drain(self) -> None:
        """Have each worker finish its trial and take no other."""
        self._tell(signal.SIGINT)

    def stop(self) -> None:
        """Have each worker hand its ticket back and end."""
        self._tell(signal.SIGTERM)

    def obey(self) -> None:
        """In a worker: send ourselves what the sweep tells, from now on."""
        threading.Thread(target=self._look, daemon=True).start()

    def _tell(self, number: signal.Signals) -> None:
        self._study.set_user_attr(self._name, int(number))

    def _look(self) -> None:
        obeyed = None
        while obeyed != signal.SIGTERM:
            with suppress(Exception):  # the storage may be away for a while
                told = self._study.user_attrs.get(self._name)
                if told is not None and told != obeyed:
                    os.kill(os.getpid(), told)
                    obeyed = told
            threading.Event().wait(_LOOK_INTERVAL_S)
