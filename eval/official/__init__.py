"""Public benchmarks as their authors published them: files, answers read as they read them, and as they should be read."""
