"""Windows: what a recipe eats, who is on which side, which windows belong together, and the batches themselves.

Import from the modules: `contract`, `index`, `split`, `sample`, `pairs`, `plan` need no torch; `batch` and `load` do.
"""
