"""Floor 4, the writer: an LLM that reads ECGs and pictures, as native classes of transformers.

    import gem.model
    model = AutoModelForImageTextToText.from_pretrained(FOLDER)
    processor = AutoProcessor.from_pretrained(FOLDER)

Importing this package registers the classes.
"""

import os

import torch

if not torch.accelerator.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # where deepspeed is installed it would say on every start that it found no GPU

from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoModelForMultimodalLM, AutoProcessor

from gem.model.config import EcgConfig, GemConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.gem import GemForConditionalGeneration
from gem.model.processor import GemProcessor

AutoConfig.register(EcgConfig.model_type, EcgConfig)
AutoConfig.register(GemConfig.model_type, GemConfig)
AutoModel.register(EcgConfig, EcgEncoder)
AutoModelForImageTextToText.register(GemConfig, GemForConditionalGeneration)
AutoModelForMultimodalLM.register(GemConfig, GemForConditionalGeneration)
AutoProcessor.register(GemConfig, GemProcessor)

__all__ = ["EcgConfig", "EcgEncoder", "GemConfig", "GemForConditionalGeneration", "GemProcessor"]
