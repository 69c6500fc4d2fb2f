"""transformers without progress bars and advice: what a command says is its own."""

from transformers.utils import logging


def quiet() -> None:
    """Errors only, no bars."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
