"""Texts by a language model: prompts in data_gen/prompts, the client in gem.llm, judged like every other text."""
