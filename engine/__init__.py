"""The engine of Delta Lab: everything that trains, measures, stores and calculates; nothing that draws."""

import os

# Read by GNU's OpenMP library when torch loads: how long a thread spins at a barrier before it sleeps. Its default is
# best on an idle machine and several times slower beside a busy program (a browser, say); sleeping at once is the
# other way round. docs/measurements.md has the figures behind this middle.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
