"""Workshop: knowledge-guided instruction data. Imports gem only."""
