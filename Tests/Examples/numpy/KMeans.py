# Ten steps of k-means: 2,000 samples of 16 numbers, 8 clusters.
import numpy as np
from made_up import numbers

x = numbers(2000, 16, 2)
centers = x[:8].copy()
for _ in range(10):
    distances = -2 * (x @ centers.T) + (centers * centers).sum(axis=1)
    nearest = distances.argmin(axis=1)
    for cluster in range(8):
        centers[cluster] = x[nearest == cluster].mean(axis=0)
print(distances.min(axis=1).sum() + (x * x).sum(), centers.sum(), centers[3, 5])
