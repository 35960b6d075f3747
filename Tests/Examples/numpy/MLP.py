# A network of two layers: probabilities of ten classes for 256 samples.
import numpy as np
from made_up import numbers

x = numbers(256, 784, 3)
hidden = np.maximum(x @ numbers(784, 128, 4) + numbers(1, 128, 5), 0)
classes = np.float32(0.01) * (hidden @ numbers(128, 10, 6)) + numbers(1, 10, 7)
e = np.exp(classes - classes.max(axis=1, keepdims=True))
classes = e / e.sum(axis=1, keepdims=True)
print(classes.sum(), classes[17, 3], classes.max(axis=1).sum(), classes.argmax(axis=1).sum())
