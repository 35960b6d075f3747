# Attention of four heads over 64 tokens, each of 32 numbers.
import numpy as np
from made_up import numbers

tokens, heads, size = 64, 4, 32
q = numbers(tokens, heads * size, 8)
k = numbers(tokens, heads * size, 9)
v = numbers(tokens, heads * size, 10)
result = np.zeros((tokens, heads * size), np.float32)
for head in range(heads):
    columns = slice(head * size, (head + 1) * size)
    scores = q[:, columns] @ k[:, columns].T / np.sqrt(np.float32(size))
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    scores = e / e.sum(axis=1, keepdims=True)
    result[:, columns] = scores @ v[:, columns]
print(result.sum(), result[3, 100], np.linalg.norm(result))
