"""Expected results of memory consolidation, by numpy and by other means than src/memory/.

Written from the paper's steps with dense linear algebra: the SVD of the change itself instead of its
Gram matrix, least squares on the history's rows instead of an orthonormal basis. Values are given to
float32's nine digits.

    pip install numpy==2.4.6
    python test/memory/oracle/consolidate_numpy.py > test/memory/fixtures/consolidate.json
"""

import json

import numpy as np


def independent_rows(history):
    """Leaves out each row whose residual against the rows before it is at most 1e-6 of its norm."""
    kept = []
    for row in history:
        residual = row
        if kept:
            earlier = np.stack(kept)
            coefficients = np.linalg.lstsq(earlier.T, row, rcond=None)[0]
            residual = row - coefficients @ earlier
        if np.linalg.norm(residual) > 1e-6 * np.linalg.norm(row):
            # Unit rows: a tiny row spans its direction as well as a large one.
            kept.append(row / np.linalg.norm(row))
    return np.array(kept)


def refine(short_term, history, threshold, lam):
    """Denoises a change and damps its part along earlier ones, which come flattened."""
    u, s, vt = np.linalg.svd(short_term, full_matrices=False)
    energy = np.cumsum(s**2)
    kept = 0 if energy[-1] == 0 else int(np.argmax(energy >= threshold * energy[-1])) + 1
    if threshold == 1 and energy[-1] > 0:
        kept = int(np.sum(s > 1e-7 * s[0]))
    denoised = (u[:, :kept] * s[:kept]) @ vt[:kept]
    f = denoised.ravel()
    parallel = np.zeros_like(f)
    h = independent_rows(history)
    if len(h) > 0:
        parallel = h.T @ np.linalg.lstsq(h.T, f, rcond=None)[0]
    refined = ((f - parallel) + lam * parallel).reshape(short_term.shape)
    return {"kept_rank": kept, "history_rank": len(h), "singular_values": s, "parallel": parallel, "refined": refined}


def consolidate(before, after, history, threshold, lam):
    result = refine(after - before, [row.ravel() for row in history], threshold, lam)
    return {
        "kept_rank": result["kept_rank"],
        "history_rank": result["history_rank"],
        "singular_values": result["singular_values"].tolist(),
        "refined": result["refined"],
        "long_term": before + result["refined"],
    }


def float32(array):
    """What an adapter file can hold, computed with as float64."""
    return np.asarray(array, dtype=np.float32).astype(np.float64)


def matrix(array):
    return {"shape": list(array.shape), "data": [float(f"{x:.9g}") for x in array.ravel()]}


def cases():
    rng = np.random.default_rng(20250917)
    wide, tall = (4, 12), (10, 4)

    def normal(shape, scale=1.0):
        return scale * rng.standard_normal(shape)

    def spectrum(shape, values):
        u, _, vt = np.linalg.svd(normal(shape), full_matrices=False)
        return (u * np.array(values)) @ vt

    def case(name, before, change, history, threshold=0.9, lam=0.5):
        before, history = float32(before), [float32(row) for row in history]
        return name, before, float32(before + change), history, threshold, lam

    yield case("first stage, A", normal(wide), normal(wide, 0.1), [])
    yield case("first stage, B", np.zeros(tall), normal(tall, 0.1), [])
    one = [normal(wide, 0.1)]
    yield case("one earlier stage", normal(wide), normal(wide, 0.1), one)
    yield case("change along the earlier stage", normal(wide), 0.7 * one[0], one)
    three = [normal(tall, scale) for scale in (0.1, 0.02, 0.3)]
    for threshold in (0.05, 0.5, 0.99, 1.0):
        for lam in (0.0, 0.1, 1.0):
            name = f"three earlier stages, theta {threshold}, lambda {lam}"
            yield case(name, normal(tall), normal(tall, 0.1), three, threshold, lam)
    yield case("no change", normal(wide), np.zeros(wide), one)
    yield case("no change, no history", normal(wide), np.zeros(wide), [])
    yield case("an earlier stage of zeros", normal(wide), normal(wide), [np.zeros(wide), one[0], np.zeros(wide)])
    exact = np.round(normal(wide) * 64) / 64
    dependent = [exact, 2 * exact, normal(wide), -0.25 * exact]
    yield case("multiples of an earlier stage", normal(wide), normal(wide), dependent)
    other = np.round(normal(wide) * 64) / 64
    yield case("a sum of earlier stages", normal(wide), normal(wide), [exact, other, exact + other])
    nearly = exact + 1e-4 * other
    yield case("nearly dependent, yet independent", normal(wide), normal(wide), [exact, nearly], lam=0.0)
    yield case("rank one", normal(wide), spectrum(wide, [3, 0, 0, 0]), one)
    yield case("rank two of four, all energy", normal(tall), spectrum(tall, [3, 2, 0, 0]), three, 1.0)
    yield case("five orders of magnitude", np.zeros(wide), spectrum(wide, [1, 1e-1, 1e-3, 1e-5]), one, 0.9999)
    yield case("threshold close to one", np.zeros(wide), spectrum(wide, [1, 1e-1, 1e-2, 1e-3]), one, 1 - 1e-5)
    for scale in (1e-30, 1e-12, 1e12, 1e30):
        rows = [scale * row for row in one]
        yield case(f"values near {scale:g}", normal(wide, scale), normal(wide, 0.1 * scale), rows)
        yield case(f"values near {scale:g}, history near 1", normal(tall, scale), normal(tall, scale), three)
    yield case("one row", normal((1, 12)), normal((1, 12)), [normal((1, 12))])
    yield case("one number", normal((1, 1)), normal((1, 1)), [normal((1, 1))], lam=0.25)
    yield case("more stages than numbers", normal((2, 2)), normal((2, 2)), [normal((2, 2)) for _ in range(6)], lam=0.1)
    # Two matrices of one module, for the command on whole PEFT folders.
    yield case("module A", normal(wide), normal(wide, 0.1), [normal(wide, 0.1) for _ in range(2)], 0.8, 0.3)
    yield case("module B", normal(tall), normal(tall, 0.1), [normal(tall, 0.1) for _ in range(2)], 0.8, 0.3)


def main():
    result = []
    for name, before, after, history, threshold, lam in cases():
        expected = consolidate(before, after, history, threshold, lam)
        result.append(
            {
                "name": name,
                "threshold": threshold,
                "lambda": lam,
                "before": matrix(before),
                "after": matrix(after),
                "history": [matrix(row) for row in history],
                "expected": {
                    **expected,
                    "singular_values": [float(f"{x:.9g}") for x in expected["singular_values"]],
                    "refined": matrix(expected["refined"]),
                    "long_term": matrix(expected["long_term"]),
                },
            }
        )
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in result)
    print(f'{{"numpy": "{np.__version__}", "cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
