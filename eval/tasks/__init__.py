"""The benchmark tasks, one file each (see `eval.task.Task`)."""
