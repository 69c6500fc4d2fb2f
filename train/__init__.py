"""Workshop: training. Imports gem only."""
