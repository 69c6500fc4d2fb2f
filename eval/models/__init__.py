"""Models under test: each takes `Prompt`s and gives `Answer`s."""
