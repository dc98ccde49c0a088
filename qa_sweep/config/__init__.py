"""The settings of a run, typed, with their units and checks; the schema behind `conf/`.

Only primitive types, enums and dataclasses appear here, so that Hydra can use the classes as
structured configs. Each class checks itself when it is built.
"""

from qa_sweep.config.choices import BestMetric, Device, Padding, Precision, Scheduler, Tracker
from qa_sweep.config.data import DataConfig, EmbeddedData, HubData, LocalData
from qa_sweep.config.model import ModelConfig, PretrainedModel, TinyModel
from qa_sweep.config.run import (
    KINDS,
    EvaluationConfig,
    QuestionConfig,
    QuestionsConfig,
    RunConfig,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.config.speed import SpeedConfig

__all__ = [
    "KINDS",
    "BestMetric",
    "DataConfig",
    "Device",
    "EmbeddedData",
    "EvaluationConfig",
    "HubData",
    "LocalData",
    "ModelConfig",
    "Padding",
    "Precision",
    "PretrainedModel",
    "QuestionConfig",
    "QuestionsConfig",
    "RunConfig",
    "Scheduler",
    "SpeedConfig",
    "TinyModel",
    "Tracker",
    "TrackingConfig",
    "TrainerConfig",
]
