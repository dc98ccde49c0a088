"""Patience: a server that is away for a while, as for a restart, ends no sweep."""

import copy
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from qa_sweep.errors import StudyError
from qa_sweep.sweep import internals

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S = 300.0
_INTERVAL_S = 1.0
_MARK = "made_by_call"  # attribute of a trial


def _patiently(name: str) -> Any:
    """The method `name` of the backend, for calls that may be made twice."""

    def call(self: "PatientStorage", *arguments: Any, **named: Any) -> Any:
        method = getattr(self._backend, name)
        return self._insist(lambda _is_repeated: method(*arguments, **named))

    return call


class PatientStorage(BaseStorage):
    """A storage on a server, where each call waits while the server is away.

    `is_away` tells that from other errors; `shown` names the server in messages. A call may have
    had its effect although it was not answered: those that must not be made twice look first.
    """

    def __init__(
        self,
        backend: BaseStorage,
        is_away: Callable[[Exception], bool],
        shown: str,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._backend = backend
        self._is_away = is_away
        self._shown = shown
        self._patience_s = patience_s
        self._outage = _Outage(shown)

    create_new_study = _patiently("create_new_study")
    delete_study = _patiently("delete_study")
    set_study_user_attr = _patiently("set_study_user_attr")
    set_study_system_attr = _patiently("set_study_system_attr")
    get_study_id_from_name = _patiently("get_study_id_from_name")
    get_study_name_from_id = _patiently("get_study_name_from_id")
    get_study_directions = _patiently("get_study_directions")
    get_study_user_attrs = _patiently("get_study_user_attrs")
    get_study_system_attrs = _patiently("get_study_system_attrs")
    get_all_studies = _patiently("get_all_studies")
    set_trial_intermediate_value = _patiently("set_trial_intermediate_value")
    set_trial_user_attr = _patiently("set_trial_user_attr")
    set_trial_system_attr = _patiently("set_trial_system_attr")
    get_trial_id_from_study_id_trial_number = _patiently("get_trial_id_from_study_id_trial_number")
    get_trial = _patiently("get_trial")
    get_all_trials = _patiently("get_all_trials")
    get_best_trial = _patiently("get_best_trial")
    remove_session = _patiently("remove_session")

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        trial = copy.copy(template_trial or create_trial(state=TrialState.RUNNING))
        # A proxy's server gets a trial that its client has marked.
        mark = trial.system_attrs.get(_MARK, uuid.uuid4().hex)
        trial.system_attrs = {**trial.system_attrs, _MARK: mark}

        def create(is_repeated: bool) -> int:
            known = self._backend.get_all_trials(study_id, deepcopy=False) if is_repeated else []
            made = [t for t in known if t.system_attrs.get(_MARK) == mark]
            if made:
                return internals.trial_id(made[0])
            return self._backend.create_new_trial(study_id, trial)

        return self._insist(create)

    def set_trial_param(self, trial_id: int, *param: Any, **named: Any) -> None:
        def set_param(_is_repeated: bool) -> None:
            try:
                self._backend.set_trial_param(trial_id, *param, **named)
            except KeyError:  # from the server of a proxy that was restarted, and has read no trial
                for study in self._backend.get_all_studies():
                    study_id = self._backend.get_study_id_from_name(study.study_name)
                    self._backend.get_all_trials(study_id, deepcopy=False)
                self._backend.set_trial_param(trial_id, *param, **named)

        self._insist(set_param)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        # A ticket may be claimed again before we know that it is one: its start tells.
        is_ticket = state is TrialState.WAITING
        started = self.get_trial(trial_id).datetime_start if is_ticket else None

        def set_state(is_repeated: bool) -> bool:
            if is_repeated and _is_done(self._backend.get_trial(trial_id), state, values, started):
                return True
            return self._backend.set_trial_state_values(trial_id, state, values)

        return self._insist(set_state)

    def _insist(self, call: Callable[[bool], T]) -> T:
        """Make the call until it is answered; it is told whether it was made before.

        Raises StudyError where the server stays away.
        """
        gives_up_at: float | None = None
        while True:
            try:
                result = call(gives_up_at is not None)
            except Exception as error:
                if not self._is_away(error):
                    raise
                gives_up_at = gives_up_at or time.monotonic() + self._patience_s
                if time.monotonic() > gives_up_at:
                    raise StudyError(
                        f"{self._shown} must answer, but has not for {self._patience_s:.0f} s; "
                        "see to the server, and start the same command again"
                    ) from error
                self._outage.begin(error)
            else:
                self._outage.end()
                return result
            time.sleep(_INTERVAL_S)


def _is_done(
    trial: FrozenTrial,
    state: TrialState,
    values: Sequence[float] | None,
    started: datetime | None,
) -> bool:
    """Whether the trial was given `state` and `values` by a call that was not answered."""
    if state is TrialState.RUNNING:
        return False  # it cannot be told from a claim by another
    if state is TrialState.WAITING:
        return trial.state is not TrialState.RUNNING or trial.datetime_start != started
    return trial.state is state and (values is None or trial.values == list(values))


class _Outage:
    """Says once that the server is away and once that it is back, however many threads wait."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._lock = threading.Lock()
        self._is_on = False

    def begin(self, error: Exception) -> None:
        with self._lock:
            if not self._is_on:
                log.warning(
                    "%s cannot be used now (%s); trying again", self._shown, first_line(error)
                )
            self._is_on = True

    def end(self) -> None:
        if not self._is_on:
            return
        with self._lock:
            if self._is_on:
                log.warning("%s can be used again", self._shown)
            self._is_on = False


def first_line(error: BaseException) -> str:
    """What the error says, or its name where it says nothing."""
    details = getattr(error, "details", None)  # where gRPC's say it
    text = details() if callable(details) else str(error)
    return (str(text or "").strip() or type(error).__name__).splitlines()[0]


def wait_for_server(
    connect: Callable[[], object],
    errors: tuple[type[Exception], ...],
    patience_s: float,
    shown: str,
    advice: str,
) -> None:
    """Connect, again and again for `patience_s` seconds; raises StudyError where none answers."""
    gives_up_at = time.monotonic() + patience_s
    outage = _Outage(shown)
    while True:
        try:
            connect()
        except errors as error:
            reason = getattr(error, "orig", None) or error  # the driver's own
            if time.monotonic() >= gives_up_at:
                raise StudyError(
                    f"{shown} must answer, but does not: {first_line(reason)}; {advice}"
                ) from error
            outage.begin(reason)
        else:
            outage.end()
            return
        time.sleep(_INTERVAL_S)
