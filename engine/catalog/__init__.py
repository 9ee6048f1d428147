"""What can be chosen, as data: models, tasks, good defaults, and the checks that need no weights. No torch."""
