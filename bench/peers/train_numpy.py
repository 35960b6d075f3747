"""The network of `lanes train`, in NumPy: plain SGD, batch 64, rate 0.1, three epochs. The best epoch's speed counts.

usage: train_numpy.py START.safetensors ORDERS FOLDER     prints {"samplesPerSecond": ..., "accuracies": [...]}
"""
import glob
import gzip
import json
import struct
import sys
import time

import numpy as np


def idx(folder, name):
    path = sorted(glob.glob(f"{folder}/*{name}*"))[0]
    data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    dimensions = data[3]
    sizes = struct.unpack(f">{dimensions}I", data[4:4 + 4 * dimensions])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def safetensors(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {
        name: np.frombuffer(data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]], "<f4").reshape(t["shape"]).copy()
        for name, t in header.items() if name != "__metadata__"
    }


def load(folder):
    images, labels = idx(folder, "train-images-idx3"), idx(folder, "train-labels-idx1")
    test, test_labels = idx(folder, "t10k-images-idx3"), idx(folder, "t10k-labels-idx1")
    return images.reshape(len(images), -1), labels, test.reshape(len(test), -1), test_labels


def main():
    p = safetensors(sys.argv[1])
    w = [p[f"linear{i}.weight"] for i in (1, 2, 3)]
    b = [p[f"linear{i}.bias"] for i in (1, 2, 3)]
    images, labels, test, test_labels = load(sys.argv[3])
    test = test.astype(np.float32) / 256
    batch, rate = 64, np.float32(0.1)
    orders = np.fromfile(sys.argv[2], "<i8").reshape(3, len(images))
    best, accuracies = 0.0, []
    for epoch in range(3):
        start = time.perf_counter()
        order = orders[epoch]
        for first in range(0, len(order), batch):
            chosen = order[first:first + batch]
            x, y, n = images[chosen] * np.float32(1 / 256), labels[chosen], len(chosen)
            h1 = np.maximum(x @ w[0] + b[0], 0)
            h2 = np.maximum(h1 @ w[1] + b[1], 0)
            z = h2 @ w[2] + b[2]
            z -= z.max(axis=1, keepdims=True)
            e = np.exp(z)
            d = e / e.sum(axis=1, keepdims=True)
            d[np.arange(n), y] -= 1
            d /= np.float32(n)
            d2 = (d @ w[2].T) * (h2 > 0)
            d1 = (d2 @ w[1].T) * (h1 > 0)
            w[2] -= rate * (h2.T @ d)
            b[2] -= rate * d.sum(axis=0)
            w[1] -= rate * (h1.T @ d2)
            b[1] -= rate * d2.sum(axis=0)
            w[0] -= rate * (x.T @ d1)
            b[0] -= rate * d1.sum(axis=0)
        best = max(best, len(images) / (time.perf_counter() - start))
        h = np.maximum(np.maximum(test @ w[0] + b[0], 0) @ w[1] + b[1], 0) @ w[2] + b[2]
        accuracies.append(float((h.argmax(axis=1) == test_labels).mean()))
    print(json.dumps({"samplesPerSecond": best, "accuracies": accuracies}))


if __name__ == "__main__":
    main()
