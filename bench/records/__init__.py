"""Tables of a store for its readers: records, costs, figures' inputs, and their mirror in MLflow."""
