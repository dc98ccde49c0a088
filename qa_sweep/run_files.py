"""The names of what a run leaves in its folder."""

MODEL_FOLDER = "model"
PREDICTIONS_FILE = "predictions.parquet"
EVALUATIONS_FOLDER = "evaluations"
CHECKPOINTS_FOLDER = "checkpoints"  # while it may go on from them
RESULT_FILE = "result.json"  # written last, as the sign that all is there
