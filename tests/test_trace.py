"""Traces and printed programs: what is shown is what runs."""

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.listing import rows, statements
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Variant, scheduled
from helpers import Case

X_XOR, Y_XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def xor_net(dtype: str = "float64") -> gn.Network:
    layers = [gn.Dense(2, "sigmoid"), gn.Dense(1)]
    return gn.Network(layers, 2, loss="binary_cross_entropy", dtype=dtype, seed=0)


# ---- the trace is the replay -------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_a_trace_is_the_replayed_step_bit_for_bit(part: int) -> None:
    """Weights, gradient, optimizer state and loss; and the replay's own temporaries, by name."""
    for seed in range(25 * part, 25 * part + 25):
        case = Case(seed)
        case.members = 1
        net = case.make()
        options = {k: v for k, v in case.options.items() if k != "shuffle"}
        options["schedule"] = "constant"
        trace = net.trace(case.table, case.y, case.w, optimizer=case.rule, **options)
        other = copy.deepcopy(net)
        teaching = Rows.of(other, case.table, case.y, case.w)
        run = Run(other, teaching, Plan(case.rule, batch_size=None, **options), 1)
        _, loss = run.advance(1)
        assert trace.loss == loss
        for name, weight in other.weights.items():
            assert trace.after[name].tobytes() == weight.tobytes(), (seed, name)
        for name in case.rule.state:
            assert trace.state[name].tobytes() == run.shared[name].tobytes()
        assert trace.before.keys() == net.weights.keys()
        for name, weight in net.weights.items():
            assert trace.before[name].tobytes() == weight.tobytes()


def test_every_line_of_the_replay_has_the_value_of_the_trace() -> None:
    """Each replayed call is stopped at, and what it left is compared with the line written."""
    for seed in (3, 8, 21, 34):
        case = Case(seed)
        case.members = 1
        net = case.make()
        net.freeze()
        trace = net.trace(case.X, case.y, case.w, optimizer=case.rule)
        variant = Variant(
            case.rows, "train", case.rule, weighted=case.w is not None,
            decay=bool(case.rule.weight_decay),
        )  # fmt: skip
        named = {e.name for e in trace.entries if e.name.isidentifier()}
        other = copy.deepcopy(net)
        replay = other.replay(variant, ("theta", *case.rule.state, "loss"))
        run = Run(other, Rows.of(other, case.X, case.y, case.w), Plan(case.rule, None), 1)
        for name, number in run.rule.corrections(1).items():
            run.scalars[name][...] = number
        run.scalars["rate"][...] = run.rate
        for name, each in scheduled(net.layers).items():
            run.scalars[name][...] = each.at(0, None)
        replay.bind(other.rng, **run.tables, **run.shared, **run.scalars)
        seen = 0
        lines = replay.source.splitlines()[1:]
        with np.errstate():
            run.quieten()
            for call, line in zip(replay.calls, lines, strict=True):
                exec(line.strip(), replay._namespace)
                value = call.line.result
                if value.name in named and not call.line.writes:
                    at = replay._namespace[replay.variable(call.out)]
                    assert at.tobytes() == trace[value.name].tobytes(), (seed, value.name)
                    seen += 1
        assert seen > 5


def test_who_pauses_between_two_lines_is_warned_by_numpy_as_ever() -> None:
    program = xor_net().program(X=X_XOR, y=Y_XOR, optimizer="adam")
    with np.errstate(all="raise"):
        before = np.geterr()
        program.step()
        assert np.geterr() == before


def test_a_trace_changes_nothing() -> None:
    net = xor_net()
    before, state = net.theta.copy(), net.generators[0].bit_generator.state
    net.trace(X_XOR, Y_XOR, optimizer="adam")
    assert net.theta.tobytes() == before.tobytes()
    assert net.generators[0].bit_generator.state == state
    assert not net._programs


# ---- what it tells -------------------------------------------------------------------------------


def test_contributions_have_the_batch_gradient_as_their_mean() -> None:
    for seed in range(40):
        case = Case(seed, "float64")
        case.members = 1
        net = case.make()
        trace = net.trace(case.X, case.y, case.w, optimizer="sgd", l2=0.1)
        w = np.ones(case.rows) if case.w is None else case.w
        for name in trace.before:
            if f"d{name}" not in trace._values:
                continue  # of a layer that is frozen
            parts = trace.contributions(name)
            mean = np.average(parts, axis=0, weights=w)
            np.testing.assert_allclose(mean, trace[f"d{name}"], rtol=1e-9, atol=1e-12)


def test_a_neuron_by_hand() -> None:
    net = gn.Network([gn.Dense(2, "sigmoid"), gn.Dense(1)], 2, dtype="float64", seed=0)
    net.weights = {"W1": [[0.1, 0.5], [0.2, -0.3]], "b1": [[0.0, 0.1]]}
    trace = net.trace([[1.0, 0.0], [0.5, 3.0]])
    assert trace.neuron(1, 2) == "h2: z = 0.5*1 + (-0.3)*0 + 0.1 = 0.6; a = sigmoid(0.6) = 0.6457"
    assert trace.neuron(1, 1, row=2).startswith("h1: z = 0.1*0.5 + 0.2*3 + 0 = 0.65; a = sigmoid(")
    net.weights["b1"] = [[0.0, 1 / 3]]
    net.weights["W1"][0, 1] = 2 / 3
    text = net.trace([[3.0, 0.0]]).neuron(1, 2)
    # 0.6667 * 3 + 0.3333 is 2.3334, and the true sum 2.3333: the sign says so
    assert "0.6667*3 + (-0.3)*0 + 0.3333 ≈ 2.3333" in text
    full = net.trace([[3.0, 0.0]]).neuron(1, 2, digits=None)
    assert "0.6666666666666666*3.0" in full


@pytest.mark.parametrize("digits", [1, 2, 4, 6])
def test_a_shown_equation_holds_for_the_digits_it_shows(digits: int) -> None:
    """The left side of every = is computed again from the shown text alone."""
    from decimal import Decimal

    rng = np.random.default_rng(digits)
    exact = near = 0
    for seed in range(60):
        net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 3, dtype="float64", seed=seed)
        net.theta[...] = rng.standard_normal(net.theta.shape).round(seed % 4)
        scale = (1, 1, 1e-3, 1e-5, 100)[seed % 5]
        trace = net.trace(scale * rng.standard_normal((1, 3)).round(seed % 3))
        text = str(trace.neuron(1, 1, digits=digits)).split("; ")[0].removeprefix("h1: z = ")
        left, sign, right = re.split(r" ([=≈]) ", text)
        total = sum(
            np.prod([Decimal(n.strip("()")) for n in term.split("*")]) for term in left.split(" + ")
        )
        last = Decimal(right).as_tuple().exponent if "e" in right else -digits
        holds = abs(Decimal(total) - Decimal(right)) <= Decimal(10) ** last / 2
        assert holds == (sign == "="), text
        exact, near = exact + holds, near + (not holds)
    assert exact
    assert near or digits >= 4


def test_the_sign_of_an_array_says_whether_digits_are_left_out() -> None:
    trace = xor_net().trace(X_XOR, Y_XOR, optimizer="sgd")
    text = str(trace)
    assert re.search(r"x \(4, 2\) =\n +0  0\n", text)
    assert re.search(r"z1 = x @ W1 \+ b1 ≈\n", text)
    assert "after the update" in text
    assert " 0.3354862482481" in trace.show(digits=None)
    assert trace["z1"].shape == (4, 2)
    assert [e.name for e in trace.forward][:2] == ["z1", "e1"]
    assert trace.backward[-1].name == "db1"
    assert trace.update[-1].name == "theta"
    assert (trace.after["W1"] == trace.before["W1"] - 0.01 * trace["dW1"]).all()


def test_a_large_array_is_cut_and_says_so() -> None:
    net = gn.Network([gn.Dense(30, "tanh"), gn.Dense(1)], 20, seed=0)
    text = str(net.trace(np.ones((50, 20)), np.arange(50.0)))
    assert "... 42 more rows" in text
    assert " ..." in text
    assert max(map(len, text.splitlines())) < 160


def test_refusals() -> None:
    net = xor_net()
    trace = net.trace(X_XOR, Y_XOR)
    for call, message in (
        (lambda: trace["z9"], "trace: expected one of x, .*, got .*z9"),
        (lambda: trace.neuron(3, 1), "layer: expected 1 to 2, got 3"),
        (lambda: trace.neuron(1, 3), "unit: expected 1 to 2, got 3"),
        (lambda: trace.neuron(1, 1, row=5), "row: expected 1 to 4, got 5"),
        (lambda: trace.neuron(0, 1), "layer: expected at least 1, got 0"),
        (lambda: trace.contributions("W3"), "name: expected one of 'W1', .*, got 'W3'"),
        (lambda: net.trace(X_XOR).contributions("W1"), "contributions: expected a trace with"),
        (lambda: net.trace(X_XOR[:, :1]), r"X: expected shape \(rows, 2\)"),
        (lambda: net.trace(X_XOR, Y_XOR, lr=1), "options: expected some of .*, got 'lr'"),
        (lambda: net.program(math=True, replayed=True), "replayed: expected False beside math"),
        (lambda: net.program(math=1), "math: expected True or False, got 1"),
        (lambda: net.program().step(), "step: expected rows to run on"),
        (lambda: trace.show(digits=0), "digits: expected at least 1, got 0"),
        (lambda: trace.show(digits=2.5), "digits: expected a whole number, got 2.5"),
        (lambda: trace.neuron(1, 1, digits="x"), "digits: expected a whole number, got 'x'"),
        (lambda: gn.check_gradients(3, X_XOR, Y_XOR), "network: expected a Network, got int"),
    ):
        with pytest.raises((ValueError, TypeError, KeyError), match=message):
            call()
    norm = gn.Network([gn.LayerNorm(), gn.Dense(1)], 2, seed=0)
    with pytest.raises(ValueError, match=r"layer: expected a Dense layer, got LayerNorm\(\)"):
        norm.trace(X_XOR).neuron(1, 1)
    net.spread(2)
    with pytest.raises(ValueError, match="trace: expected one network, got 2 members"):
        net.trace(X_XOR)


# ---- stepping ------------------------------------------------------------------------------------


def test_stepping_runs_the_lines_of_the_trace_one_by_one() -> None:
    net = xor_net()
    trace = net.trace(X_XOR, Y_XOR, optimizer="adam")
    program = net.program(X=X_XOR, y=Y_XOR)
    for entry in trace:
        step = program.step()
        assert (step.number, step.name) == (entry.number, entry.name)
        assert step.value.tobytes() == entry.value.tobytes()
        assert step.row.text in repr(step)
    assert program.step() is None
    assert program.step() is None
    ahead = net.program(X=X_XOR, math=True)
    assert ahead.step().row.text == "z1 = x @ W1 + b1"
    assert len(ahead) == len(net.trace(X_XOR))


# ---- printing --------------------------------------------------------------------------------


def test_mathematics_and_the_lines_of_source() -> None:
    text = str(xor_net().program(math=True))
    assert "z1 = x W1 + b1" in text
    assert "dW2 = a1^T dz2" in text
    assert re.search(r"dW2 = a1\^T dz2 +\(2, 1\) +2 Dense +layers\.py:\d+ Dense\.backward", text)
    assert "db1 = sum_rows(dz1)" in text
    for row in xor_net().program(math=True):
        name, _, line = row.source.split(" ")[0].partition(":")
        module = __import__(f"glassnet.{name.removesuffix('.py')}", fromlist=["x"])
        source = Path(module.__file__).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        target = row.text.split(" = ")[0].split("[")[0]
        word = re.sub(r"^d(?=[A-Z b])|[\d_]+$", "", target)
        assert word in source or "return" in source, (row, source)


def test_the_replayed_spelling_is_the_replay() -> None:
    net = xor_net()
    program = net.program(replayed=True)
    replay = net.replay(
        Variant(4, rule=gn.Adam()), ("gradient", "mean", "mean_square", "theta", "loss")
    )
    printed = [row.text.split("  # ")[0] for row in program]
    assert len(printed) == len(replay.calls)
    assert any(text == "x.dot(W1, t1)" for text in printed)
    assert printed[-1].startswith("subtract(theta, ")


def test_a_notebook_shows_a_table_and_nothing_of_it_runs() -> None:
    html = xor_net().program()._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == len(xor_net().program()) + 4
    wild = gn.Network([gn.Dense(1, Wild())], 2, loss=gn.SquaredError(), seed=0)
    assert "<script>" not in wild.program()._repr_html_()


class Wild(gn.Identity):
    """An identity that compares."""

    def f(self, z: Any) -> Any:
        return np.where(z < 3, z, z)


Wild.__name__ = "Identity"


def test_a_program_is_a_sequence() -> None:
    program = xor_net().program(optimizer="sgd")
    assert len(program) == len(list(program)) == len(statements(program))
    assert str(program[0]) == "z1 = x @ W1 + b1"
    assert program[-1].section == "update"
    with pytest.raises(IndexError):
        program[99]


def test_text_binds_as_python_does() -> None:
    """What is printed as code computes what the lines compute, parentheses and all."""
    for seed in range(60):
        case = Case(seed, "float64")
        case.members = 1
        net = case.make()
        program = net.recorded(Variant(case.rows, "predict"))
        trace = net.trace(case.X)
        space = {"np": np, "x": trace["x"], **trace.before}
        for value in program._constants.values():
            if value.shape:
                space[value.text] = value.data
        for each in statements(program, "code"):
            space[each.target] = eval(each.expression, space)
        final = trace.entries[-1]
        np.testing.assert_array_equal(space[final.name], final.value)


def test_whoever_looks_costs_nothing() -> None:
    """Recorded and replayed lines are the same in a network that all readers have read."""

    def lines(net: gn.Network) -> list[tuple[str, list[str]]]:
        found = []
        for mode, wanted in (
            ("train", ("theta", "mean", "mean_square", "loss")),
            ("evaluate", ("loss",)),
            ("predict", ("prediction",)),
        ):
            variant = Variant(4, mode, gn.Adam() if mode == "train" else None)
            replay = net.replay(variant, wanted)
            found.append((replay.source, [str(row) for row in rows(net.recorded(variant))]))
        return found

    plain, seen = xor_net(), xor_net()
    seen.trace(X_XOR, Y_XOR).neuron(1, 1)
    seen.trace(X_XOR, Y_XOR).contributions("W1")
    for options in ({}, {"math": True}, {"replayed": True}, {"X": X_XOR, "y": Y_XOR}):
        str(seen.program(**options))
    seen.program(X=X_XOR, y=Y_XOR).step()
    gn.check_gradients(seen, X_XOR, Y_XOR)
    seen.summary()
    assert lines(seen) == lines(plain)
    assert seen.theta.tobytes() == plain.theta.tobytes()
    seen.fit(X_XOR, Y_XOR, epochs=3)
    plain.fit(X_XOR, Y_XOR, epochs=3)
    assert seen.theta.tobytes() == plain.theta.tobytes()
