"""What each kind of mistake means: a sentence, the line of algebra, and the line that helps.

Words in braces are the names of the layer at hand: {W} and {b} its arrays (W1 and b1 in algebra),
{z}, {a}, {dz} and {da} its values and their derivatives, {x} what comes into it, {below} the
derivative by that, {f} its activation and {slope} that one's derivative, {detail} what was found.
"""

from typing import NamedTuple

from glassnet.insight.referee.report import Finding


class Lore(NamedTuple):
    """What is said of one kind."""

    sentence: str
    algebra: str
    fix: str


SUM = "With L the mean over n rows: dL/d{W} = {x}^T {dz} / n"
KINDS: dict[str, Lore] = {
    # ---- the output's error -------------------------------------------------------------------
    "extra_slope": Lore(
        "The error p - y is multiplied by the {f}'s derivative, which does not belong there: in "
        "the gradient of this loss it cancels.",
        "{pair}",
        "{dz} = p - y                    # without the factor {slope}",
    ),
    "missing_slope": Lore(
        "The derivative of the {f} is left out in {place}.",
        "{dz} = {da} * {f}'({z}),   {f}'({z}) = {slope}",
        "{dz} = {da} * {code}",
    ),
    "slope_at_a": Lore(
        "In {place} the derivative of the {f} is taken at {a}, which went through the {f} already: "
        "a function that expects z is given a.",
        "da/dz = {f}'({z}) = {slope}, and not {f}'({a})",
        "{dz} = {da} * {code}",
    ),
    "slope_at_z": Lore(
        "In {place} the formula for the derivative of the {f} expects a, but is given {z}: it "
        "computes {detail}.",
        "{f}'({z}) = {slope} with a = {f}({z})",
        "{dz} = {da} * {code}",
    ),
    "slope_twice": Lore(
        "The derivative of the {f} is multiplied in twice in {place}.",
        "{dz} = {da} * {f}'({z}), once",
        "{dz} = {da} * {code}",
    ),
    "wrong_slope": Lore(
        "In {place} another derivative is used than that of the {f}: {detail}.",
        "{f}'({z}) = {slope}",
        "{dz} = {da} * {code}",
    ),
    "value_for_slope": Lore(
        "In {place} the value of the {f} stands where its derivative belongs.",
        "{dz} = {da} * {f}'({z}), and not {da} * {f}({z})",
        "{dz} = {da} * {code}",
    ),
    "slope_at_error": Lore(
        "In {place} the derivative of the {f} is taken at the error that is sent back, and not at "
        "{z}.",
        "{dz} = {da} * {f}'({z}), and not {da} * {f}'({da})",
        "{dz} = {da} * {code}",
    ),
    "slope_without_bias": Lore(
        "In {place} the derivative is taken at {x} {W}, without the bias.",
        "{z} = {x} {W} + {b};  {dz} = {da} * {f}'({z})",
        "{dz} = {da} * {code}",
    ),
    "softmax_jacobian": Lore(
        "The softmax is treated as if each output came of its own z alone: p (1 - p) is only the "
        "diagonal of its derivative.",
        "dp_i/dz_j = p_i ([i = j] - p_j),  so dL/dz_j = p_j (g_j - sum_i g_i p_i), g = dL/dp",
        "g = ...                          # dL/dp\n"
        "{dz} = p * (g - np.sum(g * p, axis=1, keepdims=True))",
    ),
    "other_loss": Lore(
        "The backward pass belongs to another loss than the stated one: it begins with {detail}.",
        "{pair}",
        "either state that loss, or begin with the derivative of this one",
    ),
    "half_of_the_loss": Lore(
        "Only the part -y log p of the loss was differentiated; (1 - y) log(1 - p) is missing.",
        "dL/dp = -y / p + (1 - y) / (1 - p) = (p - y) / (p (1 - p))",
        "{dz} = p - y",
    ),
    "absolute_error": Lore(
        "The backward pass begins with the sign of p - y: that is the gradient of |p - y|.",
        "d(p - y)^2/dp = 2 (p - y)",
        "error = p - y",
    ),
    "absolute_value": Lore(
        "The error lost its sign: |p - y| is sent back instead of p - y.",
        "{pair}",
        "error = p - y",
    ),
    "squared_for_error": Lore(
        "The backward pass begins with the squared error itself instead of its derivative.",
        "d(p - y)^2/dp = 2 (p - y)",
        "error = 2 * (p - y)",
    ),
    "loss_for_error": Lore(
        "The loss itself is sent back, instead of its derivative.",
        "{pair}",
        "error = p - y",
    ),
    "raw_scores": Lore(
        "The error is taken with z, before the {f}, instead of with the output p.",
        "{pair}",
        "error = p - y                    # p = {f}(z)",
    ),
    "activation_twice": Lore(
        "The {f} is applied once more to the output, in the backward pass.",
        "p = {f}(z), once;  error = p - y",
        "error = p - y                    # p is what forward returned",
    ),
    "hard_prediction": Lore(
        "The error is taken with the predicted class instead of its probability: it is 0 wherever "
        "the class is right, and the loss has no such gradient.",
        "{pair}",
        "error = p - y                    # p without rounding, argmax or threshold",
    ),
    "labels_not_one_hot": Lore(
        "The class number is subtracted from every output: targets should be one-hot.",
        "dL/dz_k = p_k - [y = k]",
        "y = np.eye(classes)[labels]      # (n, classes)",
    ),
    "whole_columns": Lore(
        "1 is subtracted in the whole column of every class that occurs, and not in the rows of "
        "that class alone: p[:, y] means every row.",
        "dL/dz_ik = p_ik - [y_i = k]",
        "p[np.arange(len(y)), y] -= 1",
    ),
    "target_left_out": Lore("The targets do not enter the gradient.", "{pair}", "error = p - y"),
    "prediction_left_out": Lore(
        "The predictions do not enter the gradient.", "{pair}", "error = p - y"
    ),
    # ---- going back ---------------------------------------------------------------------------
    "updated_before_use": Lore(
        "{W} is updated before it is used to send the error back, so the layer below gets the "
        "error through weights that did not make it.",
        "{below} = {dz} {W}^T with {W} from before the step",
        "{below} = {dz} @ {W}.T           # first all gradients, then all updates",
    ),
    "transposed_weight": Lore(
        "The error is sent back through {W} the wrong way round.",
        "{z} = {x} {W}, so {below} = {dz} {W}^T",
        "{below} = {dz} @ {W}.T",
    ),
    "weight_left_out": Lore(
        "The error is sent back without its weights {W} (or without their signs).",
        "{z} = {x} {W}, so {below} = {dz} {W}^T",
        "{below} = {dz} @ {W}.T",
    ),
    "other_delta_sent_back": Lore(
        "What is sent back through {W} is not the delta that {W} itself is updated with{detail}.",
        "{below} = {dz} {W}^T with the same {dz} as in dL/d{W} = {x}^T {dz}",
        "{below} = {dz} @ {W}.T           # the delta, not the error",
    ),
    # ---- weights and biases -------------------------------------------------------------------
    "bias_never_updated": Lore(
        "{b} is never updated.",
        "{z} = {x} {W} + {b}, so dL/d{b} = the sum of {dz} over rows",
        "{b} -= learning_rate * {dz}.sum(axis=0)",
    ),
    "weight_never_updated": Lore(
        "{W} is never updated.",
        "dL/d{W} = {x}^T {dz}",
        "{W} -= learning_rate * {x}.T @ {dz}",
    ),
    "wrong_input": Lore(
        "The gradient of {W} is made of something else than what came into the layer: {detail}.",
        "{z} = {x} {W} + {b}, so dL/d{W} = {x}^T {dz}",
        "dW = {x}.T @ {dz}",
    ),
    "transposed_gradient": Lore(
        "The gradient of {W} is the wrong way round.",
        "dL/d{W} = {x}^T {dz}, and not {dz}^T {x}",
        "dW = {x}.T @ {dz}",
    ),
    "bias_axis": Lore(
        "The gradient of {b} is added up over units as well as over rows, so that every unit gets "
        "the same.",
        "dL/d{b}_j = sum over rows i of {dz}_ij",
        "db = {dz}.sum(axis=0)            # one number for each unit",
    ),
    "bias_not_summed": Lore(
        "The gradient of {b} is not added up over the rows: with several rows {b} gets a row for "
        "each of them.",
        "dL/d{b} = the sum of {dz} over rows, one number for each unit",
        "db = {dz}.sum(axis={rows}, keepdims=True)",
    ),
    "bias_one_row": Lore(
        "The gradient of {b} is the delta of the {detail} row alone.",
        "dL/d{b} = the sum of {dz} over rows",
        "db = {dz}.sum(axis=0)",
    ),
    "bias_gradient": Lore(
        "The gradient of {b} is not the sum of the delta: {detail}.",
        "dL/d{b} = the sum of {dz} over rows",
        "db = {dz}.sum(axis=0)",
    ),
    "bias_of_other_delta": Lore(
        "{b} is updated with something else than the delta that {W} is updated with: {detail}.",
        "dL/d{b} = the sum of {dz} over rows",
        "db = {dz}.sum(axis=0)",
    ),
    # ---- rows ---------------------------------------------------------------------------------
    "one_gradient": Lore(
        "The error is averaged over the rows before it is multiplied with what belongs to each "
        "row: one gradient for all rows.",
        "dL/d{W} = sum over rows i of {x}_i^T {dz}_i; a mean of products is no product of means",
        "keep the row axis until {x}.T @ {dz}, which adds up the rows",
    ),
    "one_row": Lore(
        "Of all rows, only the {detail} one counts.",
        "dL/d{W} = sum over rows i of {x}_i^T {dz}_i",
        "dW = {x}.T @ {dz}                # all rows",
    ),
    "broadcasting": Lore(
        "Targets of shape (n,) against outputs of shape (n, 1) (or the other way round) make an "
        "error of shape (n, n): every prediction minus every target.",
        "error_i = p_i - y_i, one for each row",
        "y = y.reshape(p.shape)",
    ),
    "softmax_axis": Lore(
        "The softmax adds up the wrong axis: {detail}.",
        "p_ik = exp(z_ik) / sum over k of exp(z_ik), so that each row of p sums to 1",
        "e / e.sum(axis={axis}, keepdims=True)    # the axis of the classes",
    ),
    # ---- sizes --------------------------------------------------------------------------------
    "sum_for_mean": Lore(
        "The gradient is added up over the rows, where the loss is their mean: it is n times too "
        "large, and the step grows with the number of rows.",
        SUM,
        "divide by the number of rows:  {dz} = {dz} / len(X)",
    ),
    "mean_for_sum": Lore(
        "The gradient is the mean over the rows, where the loss is their sum: it is n times too "
        "small.",
        "With L the sum over rows: dL/d{W} = {x}^T {dz}",
        "do not divide by the number of rows, or let the loss be a mean",
    ),
    "mean_twice": Lore(
        "The gradient is divided by the number of rows twice: it is n times too small.",
        SUM,
        "divide by n once: in the delta or in the gradient, not in both",
    ),
    "sign": Lore(
        "The sign is the wrong way round: the step goes uphill.",
        "W <- W - rate * dL/dW  (with + where the error is y - p instead of p - y)",
        "{W} -= learning_rate * dW        # with dW from p - y",
    ),
    "rate_twice": Lore(
        "The learning rate is applied twice: a rate of 0.1 acts like 0.01.",
        "W <- W - rate * dL/dW",
        "multiply with the rate in the update alone, not in the delta or gradient too",
    ),
    "rate_ignored": Lore(
        "The step does not depend on the learning rate.",
        "W <- W - rate * dL/dW",
        "{W} -= learning_rate * dW",
    ),
    "rate_divides": Lore(
        "The step is divided by the learning rate instead of multiplied with it.",
        "W <- W - rate * dL/dW",
        "{W} -= learning_rate * dW",
    ),
    "wrong_factor": Lore(
        "The gradient is {detail} times what it should be.",
        "{pair}",
        "leave the factor out, or put it into the loss too",
    ),
    # ---- other --------------------------------------------------------------------------------
    "unnamed": Lore(
        "The gradient of {arrays} is not that of the loss, and it is none of the mistakes that "
        "the referee knows.",
        "",
        "compare each line with the chain rule, from the output backwards",
    ),
    "not_finite": Lore(
        "The step leaves numbers that are not finite in {arrays}, for rows and weights of ordinary "
        "size.",
        "",
        "look for a division by zero or a log(0) in the backward pass",
    ),
    "whole_numbers": Lore(
        "In {arrays} are whole numbers, which a step cannot change by less than 1.",
        "",
        "{first} = np.array(..., dtype=float)",
    ),
    "overflow": Lore(
        "exp overflows at large inputs: {detail}.",
        "{overflow}",
        "{stable}",
    ),
    "log_of_zero": Lore(
        "The loss takes log(0) where a probability is rounded to 0 or 1: {detail}.",
        "{logs}",
        "p = np.clip(p, 1e-15, 1 - 1e-15)",
    ),
    "division_by_zero": Lore(
        "The backward pass divides by zero where a probability is rounded to 0 or 1: {detail}.",
        "(p - y) / (p (1 - p)) * p (1 - p) = p - y, which divides by nothing",
        "{dz} = p - y",
    ),
}


def told(
    kind: str,
    where: str,
    words: dict[str, str],
    measured: str = "",
    readings: tuple[str, ...] = (),
    fragile: bool = False,
) -> Finding:
    """Return a finding of a kind, with these words in its sentence, algebra and fix."""
    lore = KINDS.get(kind, KINDS["unnamed"])
    plain = words | {"W": words.get("w", ""), "b": words.get("v", "")}
    algebra, fix = lore.algebra.format(**plain), lore.fix.format(**words)
    sentence = lore.sentence.format(**words)
    return Finding(kind, where, sentence, measured, algebra, fix, readings, fragile)
