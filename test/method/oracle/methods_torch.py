"""What the methods have to compute on small random inputs, by torch autograd and numpy, from their formulas alone.

    python test/method/oracle/methods_torch.py > test/method/fixtures/methods.json

The versions are those of test/parity/requirements.txt. Nothing is arranged as in src/method/: gradients of penalties
are autograd's, GEM's quadratic programs are solved by trying every set of active bounds, and what makes a solution
one is asserted of each. Inputs have three decimals; expected values nine digits.
"""

import itertools
import json

import numpy as np
import torch

torch.set_default_dtype(torch.float64)


class Draw:
    """Random inputs, as short in a file as in memory."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def values(self, *shape, scale=1.0):
        return np.round(scale * self.generator.standard_normal(shape), 3)


def digits(values):
    return [float(f"{x:.9g}") for x in np.asarray(values).ravel()]


def parameter(values):
    return torch.tensor(values).requires_grad_()


def value_and_gradients(value, parameters):
    """Of a loss, and of every parameter in order; those it does not depend on have zeros."""
    gradients = torch.autograd.grad(value, parameters, allow_unused=True)
    return {
        "value": float(f"{value.item():.9g}"),
        "gradients": [digits(torch.zeros_like(p) if g is None else g) for p, g in zip(parameters, gradients)],
    }


# EWC: (lambda / 2) sum over finished stages sum F (theta - theta*)^2, F the mean of rows' squared gradients.


def ewc_cases():
    draw = Draw(1)
    shapes = [(2, 3), (4, 1)]
    for name, lam, terms, stages, rows in [
        ("no finished stage", 0.1, "all", 0, 0),
        ("one stage", 0.1, "all", 1, 4),
        ("three stages, all terms", 0.7, "all", 3, 5),
        ("three stages, the last term", 0.7, "last", 3, 5),
        ("one row", 2.0, "all", 1, 1),
        ("lambda 0", 0.0, "all", 2, 2),
    ]:
        finished = [
            {
                "after": [draw.values(*shape) for shape in shapes],
                "rows": [[draw.values(*shape, scale=2) for shape in shapes] for _ in range(rows)],
            }
            for _ in range(stages)
        ]
        now = [draw.values(*shape) for shape in shapes]
        theta = [parameter(values) for values in now]
        penalty = sum(p.sum() * 0 for p in theta)
        for stage in finished if terms == "all" else finished[-1:]:
            for which, anchor in enumerate(stage["after"]):
                fisher = np.mean([row[which] ** 2 for row in stage["rows"]], axis=0)
                penalty = penalty + lam / 2 * (torch.tensor(fisher) * (theta[which] - torch.tensor(anchor)) ** 2).sum()
        yield {
            "name": name,
            "settings": {"lambda": lam, "terms": terms},
            "shapes": shapes,
            "stages": [
                {"after": [digits(v) for v in s["after"]], "rows": [[digits(v) for v in r] for r in s["rows"]]}
                for s in finished
            ],
            "now": [digits(values) for values in now],
            "expected": value_and_gradients(penalty, theta),
        }


# GEM: g + G^T v with v the minimum of 1/2 v^T G G^T v + (G g)^T v over v >= margin, where any (G g) < 0.


def minimise(gram, products, margin):
    """Tries every set of entries held at the bound; the others are where the slope is 0."""
    best = None
    size = len(products)
    for count in range(size + 1):
        for held in itertools.combinations(range(size), count):
            free = [k for k in range(size) if k not in held]
            v = np.full(size, float(margin))
            if free:
                right = -(products[free] + gram[np.ix_(free, held)] @ v[list(held)])
                v[free] = np.linalg.lstsq(gram[np.ix_(free, free)], right, rcond=None)[0]
            slope = gram @ v + products
            feasible = v.min() >= margin - 1e-10 and slope.min() >= -1e-10
            stationary = np.abs(slope[free]).max(initial=0) < 1e-10
            value = v @ gram @ v / 2 + products @ v
            if feasible and stationary and (best is None or value < best[0]):
                best = value, v
    assert best is not None, "no set of active bounds is a minimum"
    return best[1]


def project(gradient, earlier, margin):
    rows = np.array([row for row in earlier if np.any(row)])
    if len(rows) == 0 or np.all(rows @ gradient >= 0):
        return gradient
    result = gradient + rows.T @ minimise(rows @ rows.T, rows @ gradient, margin)
    # No conflict is left, with no ridge to help.
    assert np.all(rows @ result >= -1e-9)
    return result


def averages(steps, decay):
    average = steps[0]
    for step in steps[1:]:
        average = decay * average + (1 - decay) * step
    return average


def gem_cases():
    draw = Draw(2)
    shapes = [(2, 3), (4, 1)]

    def stage(steps):
        return [[draw.values(*shape) for shape in shapes] for _ in range(steps)]

    one = stage(3)
    zeros = [[np.zeros(shape) for shape in shapes]] * 2
    for name, margin, decay, past, now in [
        ("no finished stage", 0.1, 0.9, [], stage(2)),
        ("one stage", 0.1, 0.9, [stage(4)], stage(4)),
        ("a stage of one step", 0.1, 0.9, [stage(1)], stage(3)),
        ("three stages", 0.1, 0.9, [stage(3), stage(5), stage(2)], stage(5)),
        ("three stages, no margin", 0.0, 0.5, [stage(3), stage(2), stage(4)], stage(5)),
        ("three stages, a large margin", 1.0, 0.0, [stage(3), stage(2), stage(4)], stage(4)),
        ("the same stage twice", 0.1, 0.9, [one, one, stage(2)], stage(4)),
        ("a stage of zeros", 0.1, 0.9, [zeros, stage(2)], stage(3)),
        ("nothing but zeros", 0.1, 0.9, [zeros], stage(2)),
        ("a gradient of zeros", 0.1, 0.9, [stage(2)], [[np.zeros(shape) for shape in shapes]]),
        ("tiny gradients beside large ones", 0.0, 0.9, [stage(2), [[1e-6 * g for g in s] for s in stage(2)]], stage(4)),
        ("more stages than numbers", 0.1, 0.9, [stage(2) for _ in range(7)], stage(3)),
    ]:
        earlier = [[averages([step[which].ravel() for step in steps], decay) for which in range(2)] for steps in past]
        yield {
            "name": name,
            "settings": {"margin": margin, "decay": decay},
            "shapes": shapes,
            "stages": [[[digits(g) for g in step] for step in steps] for steps in past],
            "now": [[digits(g) for g in step] for step in now],
            "expected": {
                "averages": [[digits(g) for g in stage] for stage in earlier],
                "projected": [
                    [digits(project(g.ravel(), [s[which] for s in earlier], margin)) for which, g in enumerate(step)]
                    for step in now
                ],
            },
        }


# O-LoRA: orthogonality * sum |A_new A_past^T| + l2 * sum ||W||, over modules and earlier tasks.


def olora_cases():
    draw = Draw(3)
    shapes = [(2, 4), (3, 2), (2, 5), (3, 2)]  # A and B of two modules
    for name, orthogonality, l2, tasks, fresh in [
        ("the first task", 0.1, 0.01, 0, False),
        ("one earlier task", 0.1, 0.01, 1, False),
        ("three earlier tasks", 0.5, 0.3, 3, False),
        ("a fresh B of zeros", 0.1, 0.01, 2, True),
        ("no L2 term", 0.2, 0.0, 1, False),
        ("no orthogonality", 0.0, 0.1, 1, False),
    ]:
        past = [[draw.values(*shape) for shape in shapes] for _ in range(tasks)]
        now = [draw.values(*shape) * (0 if fresh and which % 2 == 1 else 1) for which, shape in enumerate(shapes)]
        new = [parameter(values) for values in now]
        penalty = l2 * sum(torch.linalg.vector_norm(matrix) for matrix in new)
        for earlier in past:
            for which in (0, 2):
                penalty = penalty + orthogonality * (new[which] @ torch.tensor(earlier[which]).T).abs().sum()
        yield {
            "name": name,
            "settings": {"orthogonality": orthogonality, "l2": l2},
            "shapes": shapes,
            "past": [[digits(values) for values in task] for task in past],
            "now": [digits(values) for values in now],
            "expected": value_and_gradients(penalty, new),
        }


# L2P: the top-k prompts by cosine of key (a prompt's mean vector) and query (the prompt's tokens' mean embedding);
# - key weight * mean over rows sum over chosen prompts of the cosine.


def l2p_cases():
    draw = Draw(4)
    vocabulary, hidden = 9, 5
    embeddings = draw.values(vocabulary, hidden)
    for name, settings, lengths in [
        ("the defaults' proportions", dict(pool_size=6, prompt_length=3, top_k=3, key_weight=0.5), [1, 4, 9, 2]),
        ("one prompt of one vector", dict(pool_size=4, prompt_length=1, top_k=1, key_weight=2.0), [3, 5]),
        ("the whole pool", dict(pool_size=3, prompt_length=2, top_k=3, key_weight=0.1), [2, 2, 6]),
        ("one row", dict(pool_size=5, prompt_length=4, top_k=2, key_weight=0.5), [7]),
    ]:
        pool = draw.values(settings["pool_size"], settings["prompt_length"], hidden)
        rows = [draw.generator.integers(0, vocabulary, length).tolist() for length in lengths]
        vectors = parameter(pool)
        keys = vectors.mean(dim=1)
        term, choices = torch.tensor(0.0), []
        for row in rows:
            query = torch.tensor(embeddings[row]).mean(dim=0)
            nearest = torch.cosine_similarity(query[None], keys, dim=1).topk(settings["top_k"])
            choices.append(nearest.indices.tolist())
            term = term - settings["key_weight"] * nearest.values.sum() / len(rows)
        yield {
            "name": name,
            "settings": settings,
            "embeddings": [digits(row) for row in embeddings],
            "pool": digits(pool),
            "rows": rows,
            "expected": {"choices": choices, **value_and_gradients(term, [vectors])},
        }


# CPPO: alpha * DPO + retention * beta * sum over both responses (logp - logp_start)^2, mean over rows.


def levels(values, deviations):
    mean, deviation = np.mean(values), np.std(values)
    return np.where(values > mean + deviations * deviation, 1, np.where(values < mean - deviations * deviation, -1, 0))


def cppo_cases():
    draw = Draw(5)
    table = {(1, 1): (2, 2), (1, -1): (2, 0.5), (-1, 1): (2, 0.5), (-1, -1): (0.5, 0.5)}
    for name, settings, beta, rows in [
        ("the defaults", dict(retention=0.1, deviations=1.0), 0.1, 16),
        ("half a deviation", dict(retention=0.1, deviations=0.5), 0.3, 12),
        ("none", dict(retention=0.5, deviations=0.0), 0.1, 8),
        ("one row", dict(retention=0.1, deviations=1.0), 0.1, 1),
        ("three rows", dict(retention=0.1, deviations=1.0), 0.1, 3),
        ("four rows", dict(retention=0.1, deviations=1.0), 0.1, 4),
        ("five rows", dict(retention=0.1, deviations=1.0), 0.1, 5),
    ]:
        policy, reference, start = (
            {key: -20 + draw.values(rows, scale=6) for key in ("chosen", "rejected")} for _ in range(3)
        )
        margins = (policy["chosen"] - reference["chosen"]) - (policy["rejected"] - reference["rejected"])
        pairs = zip(levels(policy["chosen"], settings["deviations"]), levels(margins, settings["deviations"]))
        weights = np.array([table.get((int(p), int(m)), (1, 1)) for p, m in pairs], dtype=float)
        logps = {key: parameter(values) for key, values in policy.items()}
        ratios = {key: logps[key] - torch.tensor(reference[key]) for key in logps}
        dpo = -torch.log(torch.sigmoid(beta * (ratios["chosen"] - ratios["rejected"])))
        moved = sum((logps[key] - torch.tensor(start[key])) ** 2 for key in logps)
        loss = (torch.tensor(weights[:, 0]) * dpo + settings["retention"] * torch.tensor(weights[:, 1]) * moved).mean()
        yield {
            "name": name,
            "settings": settings,
            "beta": beta,
            **{key: {k: digits(v) for k, v in logps.items()}
               for key, logps in (("policy", policy), ("reference", reference), ("start", start))},
            "expected": {"weights": weights.tolist(), **value_and_gradients(loss, list(logps.values()))},
        }


def main():
    methods = {"ewc": ewc_cases, "gem": gem_cases, "olora": olora_cases, "l2p": l2p_cases, "cppo": cppo_cases}
    parts = []
    for method, cases in methods.items():
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases())
        parts.append(f'"{method}": [\n{lines}\n]')
    print("{" + ",\n".join(parts) + "}")


if __name__ == "__main__":
    main()
