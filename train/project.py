"""Stage `project`: only the projectors learn, so that what is new speaks the language of the parts that were there."""

from train.config import InstructRecipe, ProjectRecipe
from train.instruct import run as tune_frozen


def run(recipe: ProjectRecipe) -> int:
    """Train; the run folder then holds `model/`. Returns how many rows could not be used."""
    fields = {name: getattr(recipe, name) for name in ProjectRecipe.model_fields}
    return tune_frozen(InstructRecipe(**(fields | {"stage": "instruct", "llm": "frozen"})))
