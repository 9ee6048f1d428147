"""Memory, time and price of a fine-tune, from formulas. Standard library only; maps, the timeline and the scores need numpy."""
