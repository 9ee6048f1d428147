"""One training step of the real model code on weightless tensors, every allocation counted. Imports torch: runs only as a job."""
