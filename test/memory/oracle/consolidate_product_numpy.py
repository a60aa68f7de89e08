"""Expected results of consolidation in product space, by numpy and by other means than src/memory/.

Everything is written out: products B·A as whole matrices, their SVDs, least squares on the whole entries of
the history's matrices. Values are given to float32's nine digits.

    pip install numpy==2.4.6
    python test/memory/oracle/consolidate_product_numpy.py > test/memory/fixtures/consolidate-product.json
"""

import json

import numpy as np
from consolidate_numpy import float32, matrix, refine


def cut(product, rank):
    u, s, vt = np.linalg.svd(product, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ vt[:rank], float(np.sum(s[rank:] ** 2))


def consolidate(before, after, history, rank, threshold, lam):
    b0, a0 = before
    b1, a1 = after
    short_term = b1 @ a1 - b0 @ a0
    result = refine(short_term, [(b @ a).ravel() for b, a in history], threshold, lam)
    refined = result["refined"]
    if np.linalg.norm(refined) < 1e-7 * np.linalg.norm(short_term):
        refined = np.zeros_like(refined)  # what rounding leaves of nothing
    long_term, lost = cut(b0 @ a0 + refined, rank)
    remembered, refined_lost = cut(refined, rank)
    return {
        "kept_rank": result["kept_rank"],
        "history_rank": result["history_rank"],
        "singular_values": [float(f"{x:.9g}") for x in result["singular_values"][: 2 * rank]],
        "parallel_energy": float(np.sum(result["parallel"] ** 2)),
        "long_term": matrix(long_term),
        "lost": lost,
        "refined": matrix(remembered),
        "refined_lost": refined_lost,
    }


def cases():
    rng = np.random.default_rng(20260917)

    def factors(out, rank, inner, scale=1.0):
        return float32(scale * rng.standard_normal((out, rank))), float32(scale * rng.standard_normal((rank, inner)))

    def moved(pair, scale=0.1):
        return tuple(float32(x + scale * rng.standard_normal(x.shape)) for x in pair)

    def fresh(out, rank, inner):
        return np.zeros((out, rank)), factors(out, rank, inner)[1]

    def case(name, before, after, history, threshold=0.9, lam=0.5):
        return name, before, after, history, threshold, lam

    shape = (10, 2, 7)
    one = [factors(*shape, 0.3)]
    three = [factors(*shape, scale) for scale in (0.3, 0.1, 1.0)]
    start = fresh(*shape)
    yield case("first stage, from a fresh adapter", start, moved(start), [])
    start = factors(*shape)
    yield case("first stage, from a trained adapter", start, moved(start), [])
    yield case("one earlier stage", start, moved(start), one)
    for threshold in (0.05, 0.5, 0.99, 1.0):
        for lam in (0.0, 0.1, 1.0):
            name = f"three earlier stages, theta {threshold}, lambda {lam}"
            yield case(name, start, moved(start), three, threshold, lam)
    start = fresh(*shape)
    along = (float32(0.5 * one[0][0]), one[0][1])
    yield case("change along the earlier stage", (start[0], one[0][1]), along, one)
    yield case("change along the earlier stage, none of it kept", (start[0], one[0][1]), along, one, 1.0, 0.0)
    yield case("no change", start, start, one)
    start = factors(*shape)
    zero = (np.zeros((10, 2)), one[0][1])
    twice = (2 * one[0][0], one[0][1])
    yield case("stages of zeros, and the same twice over", start, moved(start), [zero, *one, twice, zero])
    many = [factors(*shape, 0.5) for _ in range(12)]
    yield case("more earlier stages than iteration carries", start, moved(start, 0.5), many, 0.9, 0.0)
    flat = (40, 3, 50)
    start = factors(*flat, 0.2)
    yield case("a larger module, twenty earlier stages", start, moved(start), [factors(*flat, 0.2) for _ in range(20)])
    rank_one = (8, 1, 6)
    start = factors(*rank_one)
    yield case("rank one", start, moved(start), [factors(*rank_one)])
    wide = (3, 4, 5)
    start = factors(*wide)
    yield case("a rank beyond the module's size", start, moved(start), [factors(*wide)])
    for scale in (1e-12, 1e12):
        start = factors(*shape, scale)
        yield case(f"values near {scale:g}", start, moved(start, 0.1 * scale), three)


def main():
    result = []
    for name, before, after, history, threshold, lam in cases():
        rank = before[1].shape[0]
        pair = lambda factors: {"b": matrix(factors[0]), "a": matrix(factors[1])}
        result.append(
            {
                "name": name,
                "threshold": threshold,
                "lambda": lam,
                "before": pair(before),
                "after": pair(after),
                "history": [pair(factors) for factors in history],
                "expected": consolidate(before, after, history, rank, threshold, lam),
            }
        )
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in result)
    print(f'{{"numpy": "{np.__version__}", "cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
