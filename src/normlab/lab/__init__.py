"""Questions: an experiment is many paired trainings, stored, compared and counted."""
