"""Memory, time and price of a fine-tune, from formulas. Standard library and numpy only."""
