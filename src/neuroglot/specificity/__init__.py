"""From a statistic per language to the neurons that are *specific* to one.

Every statistic S here is a float64 array of shape [language, layer, neuron], and NaN means *never chosen*.
The steps run in this order, each one a function from array to array:

1. `scales`: make languages, then layers, comparable;
2. `contrasts`: S of one language against the others gives its specificity (some read samples in place of S);
3. `selection`: a budget or a threshold turns specificity into a mask, or `rules`: a published method's own;
4. `controls`: random masks that a chosen one has to beat.

`lape` is the one published method whose set sizes emerge from its own rule (Tang et al. 2024).
"""
