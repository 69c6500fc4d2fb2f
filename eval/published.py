"""Published figures (published.yaml), each with its source and its scoring, as the table sets them beside ours."""

from pathlib import Path
from typing import Any

from gem.config import Config, read_yaml
from gem.errors import ConfigError

PLACE = Path(__file__).with_name("published.yaml")


class Published(Config):
    """Figures of several models by one metric. metric: as our task names it; scoring, source: what they mean and where they stand."""

    metric: str
    scoring: str
    source: str
    models: dict[str, float | str]


def published(path: Path = PLACE) -> list[dict[str, Any]]:
    """One row a figure: task, metric, model, value, scoring, source. Raises `ConfigError` for a file of another form."""
    out: list[dict[str, Any]] = []
    for task, entries in read_yaml(path).items():
        if not isinstance(entries, list):
            raise ConfigError(f"{path}: {task}: a list of figures is needed")
        for entry in entries:
            one = Published.model_validate(entry)
            shared = {"task": task, "metric": one.metric, "scoring": one.scoring, "source": one.source}
            out += [shared | {"model": model, "value": value} for model, value in one.models.items()]
    return out
