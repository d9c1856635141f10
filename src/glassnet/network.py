"""A network as people use it: doors to the rooms that train it, show it and save it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from glassnet.predicting import Predicting

if TYPE_CHECKING:
    from os import PathLike

    from glassnet.history import Epoch, History
    from glassnet.insight.doctor.diagnosis import Diagnosis
    from glassnet.insight.trace import Trace
    from glassnet.listing import Listing
    from glassnet.summary import Text


class Network(Predicting):
    """A feed-forward network of layers, trained by backpropagation.

    Parameters
    ----------
    layers : sequence of Layer
        The last one ends in raw scores: a Dense without activation.
    inputs : int
        Number of columns of X.
    loss : str or Loss
        One of squared_error, absolute_error, huber, quantile, poisson, binary_cross_entropy,
        multilabel_cross_entropy, multiclass_cross_entropy, focal, or an object.
    dtype : str
        float32 or float64.
    seed : int, optional
        Where every random number comes from; drawn from the system if left out.

    Attributes
    ----------
    theta : array (P,) or (members, P)
        Every parameter, layer by layer; `weights` are views of it.
    seed : int
        As given or drawn. Member k of several is the network that ``seed + k`` makes.
    frozen : frozenset of int
        Numbers of the layers that keep their weights; see `freeze`.

    Examples
    --------
    >>> import numpy as np
    >>> import glassnet as gn
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = gn.Network([gn.Dense(2, "sigmoid"), gn.Dense(1)], inputs=2,
    ...                  loss="binary_cross_entropy", dtype="float64", seed=0)
    >>> history = net.fit(X, y, epochs=500, batch_size=None, optimizer=gn.Adam(0.1), restarts=8)
    >>> net.predict(X).round().ravel()
    array([0., 1., 1., 0.])
    """

    def program(self, rows: int = 4, mode: str = "train", **options: Any) -> "Listing":
        """Return the recorded program of a step: print it, or go through its lines.

        Parameters
        ----------
        rows : int
            Rows of the batch.
        mode : str
            ``predict``, ``evaluate``, ``gradient`` or ``train``.
        optimizer : str or Optimizer
            Whose update a training step ends in.
        weighted : bool
            Whether rows have weights.
        own : bool
            Whether each member has rows of its own.
        l2, weight_decay, clip_norm : float, optional
            As for `train`; what is left out, or 0, has no lines.
        math, replayed : bool
            Print it as mathematics, or as it is replayed; both name the lines of source.
        X, y : array, optional
            Rows for ``program.step()`` to run the next line on, like a debugger; without y it is
            a prediction. They decide on rows and mode.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=2, dtype="float64")
        >>> print(net.program(rows=4, mode="predict"))
        forward
           1  z1 = x @ W1 + b1  (4, 1)  1 Dense
        """
        from glassnet.listing import listed

        return listed(self, rows, mode, **options)

    def start(self, X: Any, rows: Any = None) -> None:
        """Let first weights follow from the table: sums of spread 1, whatever the columns are.

        Layer by layer, on the rows as they arrive: `Dense` divides W by the standard deviation of
        its sums and takes b from a few rows, so that every unit's bend lies among them; `Squash`
        takes medians and quartiles. Other layers keep the weights they have. Source: Holzmüller,
        Grinsztajn and Steinwart (2024), arXiv:2407.04491, appendix A.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers.
        rows : array of int (members, n), optional
            Those that each member may know; left out, all.

        Examples
        --------
        >>> import glassnet as gn
        >>> X = [[0.0], [1000.0], [2000.0], [9000.0]]
        >>> net = gn.Network([gn.Squash(), gn.Dense(1)], inputs=1, seed=0)
        >>> net.start(X)
        >>> net.weights["centre1"], net.raw(X).std().round(4)
        (array([[1500.]], dtype=float32), np.float32(1.0))
        """
        from glassnet.beginning import start

        start(self, X, rows)

    def fit(self, X: Any, y: Any, **options: Any) -> "History":
        """Train to the end, and return the history.

        Parameters
        ----------
        X, y
            As for `train`, which tells the other options: epochs, batch_size, optimizer, ...
        members : int or sequence of int, optional
            Become this many networks, or those of these seeds, trained at once; see `spread`.
        restarts : int
            The same for a while: keep the one with the best monitored value on the validation
            rows, or on all where there are none.
        patience : int, optional
            Stop when `monitor` has not become better in this many reports, and go back to the
            weights of the best. Members stop each for itself.
        monitor : str
            What becomes better: ``loss``, or the name of one of the metrics; on the validation
            rows, or on those trained on where there are none.
        min_delta : float
            What counts as better: an improvement by more than this.
        average : float
            The share of the epochs, at the end, whose weights are averaged; 0 takes the last.
        plateau : Plateau, optional
            When to lower the learning rate because nothing becomes better.
        checkpoint : str or PathLike, optional
            A folder from which the same call goes on to the same bits, whatever ended this one.
        verbose : bool
            Show a progress bar where rich is installed, else a line for each report.
        on_epoch : callable, optional
            ``on_epoch(epoch)`` is called at each report; returning True stops the training.

        Examples
        --------
        >>> import numpy as np
        >>> import glassnet as gn
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> net = gn.Network([gn.Dense(8, "tanh"), gn.Dense(1)], inputs=1, seed=0)
        >>> history = net.fit(X, X**2, epochs=500, validation=0.2, patience=20,
        ...                   optimizer=gn.Adam(0.01), metrics="r2")
        >>> history.metrics["r2"][-1] > 0.9
        True
        """
        from glassnet.fitting import fit

        return fit(self, X, y, **options)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, **options: Any) -> "History":
        """Go on for one epoch (or `epochs`) on these rows, the optimizer's memory included.

        Between calls the optimizer keeps its state and its count of steps, as long as it is the
        same; `fit` and `train` begin with a fresh one.

        Parameters
        ----------
        X, y, sample_weight
            As for `train`, which tells the other options.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> for part in range(200):
        ...     history = net.partial_fit([[0.0], [1.0]], [1.0, 3.0], optimizer=gn.Adam(0.1))
        >>> net.predict([[2.0]]).round(1)
        array([[5.]], dtype=float32)
        """
        from glassnet.fitting import partial_fit

        return partial_fit(self, X, y, sample_weight=sample_weight, **options)

    def train(self, X: Any, y: Any, **options: Any) -> "Iterator[Epoch]":
        """Train as a generator: ``for epoch in net.train(X, y, epochs=10): ...``.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers. Sparse rows are made dense a batch at a time.
        y : array (rows,) or (rows, outputs)
            Targets, as the loss has them.
        epochs : int
            How often to go through the rows.
        batch_size : int or None
            Rows a step, in a new order each epoch; the last step takes what remains. None takes
            all rows at once, in their order.
        drop_last : bool
            Whether what remains is left out.
        shuffle : bool
            Whether the order is new each epoch.
        optimizer : str or Optimizer
            One of sgd, momentum, nesterov, rmsprop, adam, adamw, or an object; for `fit` also
            lbfgs.
        rates : sequence of float, optional
            A learning rate for each member, in place of the optimizer's.
        schedule : str or callable
            A factor on the learning rate: one of constant, warm_up, cosine, step, exponential,
            inverse, coslog4, flat_cos, or a function (step, total).
        l2 : float
            A penalty in the loss: l2 / 2 times the sum of squared weights, biases left out. It
            is the same for every batch size.
        weight_decay : float, optional
            Decoupled: each step takes rate * weight_decay of the weights away, biases left out;
            by default what the optimizer says, 0.01 for adamw and 0 for the others.
        decay_schedule : str or callable
            A factor on weight_decay, as `schedule` is one on the rate.
        clip_norm : float, optional
            The longest gradient: a longer one is shortened to this length.
        sample_weight : array (rows,), optional
            How much each row counts.
        class_weight : dict or "balanced", optional
            How much each class counts, beside the rows' own weights; balanced makes every class
            count alike.
        validation : tuple (X, y) or (X, y, sample_weight), float, or "folds", optional
            Rows to watch and not to train on, or the share of the rows to hold out for it: the
            same rows whenever the table is the same, with each class in its share. With "folds"
            each member holds out a fifth of its own.
        metrics : str, Metric, or a sequence of them
            What to take beside the loss, on the validation rows, or on those trained on.
        every : int
            Epochs from one report to the next: then the loss is taken, and the generator yields.
        engine : str
            ``numpy`` replays the recorded program, ``numba`` compiles it (the same numbers within
            rounding; needs ``glassnet[fast]``), ``auto`` compiles what would take long. ``eager``
            runs the layers' own code, slowly, for debuggers, to the same bits as ``numpy``.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> [epoch.number for epoch in net.train([[0.0], [1.0]], [1.0, 3.0], epochs=3)]
        [1, 2, 3]
        """
        from glassnet.training import train

        return train(self, X, y, **options)

    def trace(self, X: Any, y: Any = None, sample_weight: Any = None, **how: Any) -> "Trace":
        """Run one step line by line on a copy of the network, and keep every value.

        The weights are as they are. A first `fit` lets the output bias begin at the loss's best
        constant before its first step.

        Parameters
        ----------
        X, y, sample_weight
            As for `train`; all rows at once. Without y it is a prediction.
        **how
            optimizer, l2, weight_decay, clip_norm, as for `train`.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=2, dtype="float64", seed=0)
        >>> net.weights = {"W1": [[0.5], [-0.25]], "b1": [[0.125]]}
        >>> print(net.trace([[1.0, 2.0]]))
        inputs
              x (1, 2) =
              1  2
              W1 (2, 1) =
               0.50
              -0.25
              b1 (1, 1) =
              0.125
        <BLANKLINE>
        forward
           1  z1 = x @ W1 + b1 =
              0.125
        """
        from glassnet.insight.trace import Trace

        return Trace(self, X, y, sample_weight, **how)

    def to_script(
        self, path: "str | PathLike[str]", X: Any, y: Any = None, **options: Any
    ) -> "Text":
        """Write a program of plain NumPy that trains this network, and prints the same digits.

        It begins at the weights as they are, and prints what `fit` would report and `predict`
        return. Without y it only predicts. Large tables go into an ``.npz`` file beside it.

        Parameters
        ----------
        path : str or PathLike
            Where to; ``mine.py``.
        X, y
            As for `train`.
        **options
            Those of `train` but validation, metrics and engine; lbfgs needs SciPy.

        Examples
        --------
        >>> import tempfile
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.to_script(f"{folder}/mine.py", [[3.0]]).splitlines()[-1]
        'print(predict(X).tolist())'
        """
        from glassnet.insight.script import to_script

        return to_script(self, path, X, y, **options)

    def diagnose(self, X: Any, y: Any, sample_weight: Any = None, **options: Any) -> "Diagnosis":
        """Look for reasons why the network does not learn; it is not changed.

        It looks at the table, at the signals of one step, at the course of the last `fit` (if the
        weights are still its), at the outcome, and tries short trainings on copies.

        Parameters
        ----------
        X, y, sample_weight
            The rows trained on, as for `train`.
        history : History, optional
            Of the training that ended in these weights; that of the last `fit` is known.
        validation : optional
            Rows that were not trained on, as for `train`.
        rates : bool
            Also try learning rates on a copy; ``print(net.diagnose(X, y, rates=True).rates)``
            plots the loss against them.
        **options
            How it is trained, as for `train`: epochs, batch_size, optimizer, schedule, l2,
            weight_decay, clip_norm, class_weight. Those of the last `fit` are known.

        Returns
        -------
        Diagnosis
            A sequence of findings, each with its name, what was measured, the threshold, why it
            hinders learning, and a line of code that helps.

        Examples
        --------
        >>> import numpy as np
        >>> import glassnet as gn
        >>> X = np.random.default_rng(0).standard_normal((200, 3))
        >>> net = gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], inputs=3, seed=0)
        >>> net.diagnose(X, X[:, 0])
        nothing found (200 rows, before training)
        >>> net.weights["b1"] = np.full((1, 8), -100.0)
        >>> net.diagnose(X, X[:, 0]).names
        ['dead_units']
        """
        from glassnet.insight.doctor.examine import diagnose

        return diagnose(self, X, y, sample_weight, **options)

    def save(self, path: "str | PathLike[str]") -> None:
        """Write the network to a file that `glassnet.load` reads: data, never code.

        Parameters
        ----------
        path : str or PathLike
            ``model.safetensors`` is the usual ending.

        Examples
        --------
        >>> import tempfile
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, dtype="float64")
        >>> net.weights = {"W1": [[2.0]], "b1": [[1.0]]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(f"{folder}/model.safetensors")
        ...     gn.load(f"{folder}/model.safetensors").predict([[3.0]])
        array([[7.]])
        """
        from glassnet.files.networks import save_network

        save_network(self, path)

    def summary(self) -> "Text":
        """Return a table of the layers: what leaves them, and their parameters.

        Examples
        --------
        >>> import glassnet as gn
        >>> gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], inputs=4).summary()
           layer                       outputs  parameters         count
        1  Dense(8, activation=Relu())        8  W (4, 8) b (1, 8)     40
        2  Dense(1)                           1  W (8, 1) b (1, 1)      9
        SquaredError(), float32                                        49
        """
        from glassnet.summary import summary

        return summary(self)
