"""One answer from many runs: replications, comparisons, and where they are carried out."""
