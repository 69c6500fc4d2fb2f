"""What a run will need before it runs: memory a GPU, steps, tokens, and what would make it fit."""
