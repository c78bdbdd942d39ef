"""From the scores of cases to means, intervals and what seeds decide."""
