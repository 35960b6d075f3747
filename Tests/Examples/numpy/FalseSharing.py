# The sums of one lane.
import numpy as np

total = np.arange(1, 100_001, dtype=np.float64).sum()
print(total)
print(total)
