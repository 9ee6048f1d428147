"""Recording what one run cannot show: planes of loss, paths of trained vectors, sweeps. One scene a file; `make record`."""
