"""A shadow of autograd: which tensors live at each moment of a step, as sums of sizes, without any tensor."""
