"""The nano ladder: small story models, the grammar that they speak and the recipe that made them."""
