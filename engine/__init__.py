"""The engine of Delta Lab: everything that trains, measures, stores and calculates; nothing that draws."""

import os

# Read by the OpenMP library when torch loads. Its default is to spin at every barrier, which on a machine that computes
# anything else (a browser, say) made a run several times slower: docs/measurements.md has the figures.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
