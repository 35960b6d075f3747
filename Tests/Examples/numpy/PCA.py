# The first principal component of 500 samples, by the power method.
import numpy as np
from made_up import numbers

x = numbers(500, 20, 1)
x *= np.arange(1, 21, dtype=np.float32)
x -= x.mean(axis=0)
covariance = x.T @ x
covariance /= 499
v = np.ones(20, np.float32)
for _ in range(200):
    w = covariance @ v
    v = w / np.linalg.norm(w)
print(v @ w, abs(v[19]), v.sum())
