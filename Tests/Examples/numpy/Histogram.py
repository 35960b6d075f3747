# A histogram of a million numbers, and their variance.
import numpy as np
from made_up import numbers

x = numbers(1000, 1000, 13).ravel()
counts = np.bincount(np.minimum(9, ((x + np.float32(1)) * np.float32(5)).astype(np.int64)), minlength=10)
print(*counts, np.square((x - x.mean()).astype(np.float64)).mean())
