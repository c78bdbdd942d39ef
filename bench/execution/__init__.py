"""The execution of a plan: scheduler, engines, workers, one stage."""
