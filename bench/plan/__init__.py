"""From a request to the graph of stages: recipes, experiments, the sweep, its cost."""
