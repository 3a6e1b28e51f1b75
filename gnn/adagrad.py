"""Optimizers that touch only the rows a batch has used. State and parameters are plain tensors by name.

Row-wise Adagrad keeps one number a row, the sum of its mean squared gradients (PyTorch-BigGraph, Lerer et al. 2019),
so that training needs little more memory than the parameters. Adam keeps two numbers a parameter (Kingma & Ba 2015);
its rows decay only when they are touched, as in torch.optim.SparseAdam.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class RowOptimizer(ABC):
    """Updates parameters in place. `learning_rate` may be changed between steps."""

    def __init__(self, parameters: Mapping[str, Tensor], learning_rate: float) -> None:
        self.parameters = {name: parameter.detach() for name, parameter in parameters.items()}
        self.learning_rate = learning_rate

    @abstractmethod
    def step(self, name: str, ids: Tensor | None, gradient: Tensor) -> None:
        """Follow a gradient. ids: (n,) int64 rows, each once, and gradient (n, …); None: gradient of all rows.

        The gradient's memory is used for the work and holds nothing of meaning afterwards.
        """

    @abstractmethod
    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything needed to go on, as arrays that share the optimizer's memory where they can."""

    @abstractmethod
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put back what `state` gave."""


class RowAdagrad(RowOptimizer):
    """Row-wise Adagrad: step = learning rate x gradient / root of the row's sum. One float32 a row."""

    def __init__(self, parameters: Mapping[str, Tensor], learning_rate: float) -> None:
        super().__init__(parameters, learning_rate)
        self.sums = {name: parameter.new_zeros(len(parameter)) for name, parameter in self.parameters.items()}

    def step(self, name: str, ids: Tensor | None, gradient: Tensor) -> None:
        """See RowOptimizer."""
        parameter, sums = self.parameters[name], self.sums[name]
        flat = gradient.flatten(1) if gradient.dim() > 1 else gradient[:, None]
        squares = torch.linalg.vector_norm(flat, dim=1).square_().div_(flat.shape[1])
        if ids is None:
            total = sums.add_(squares)
        else:
            total = sums.index_select(0, ids).add_(squares)
            sums[ids] = total
        flat.mul_((-self.learning_rate / total.sqrt().add_(1e-10))[:, None])
        if ids is None:
            parameter.add_(gradient)
        else:
            parameter.index_add_(0, ids, gradient)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See RowOptimizer."""
        return {f"adagrad.{name}": sums.cpu().numpy() for name, sums in self.sums.items()}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """See RowOptimizer."""
        for name, sums in self.sums.items():
            sums.copy_(torch.from_numpy(np.array(state[f"adagrad.{name}"])))


class RowAdam(RowOptimizer):
    """Adam over the touched rows: two numbers a parameter, one count of steps a table."""

    def __init__(self, parameters: Mapping[str, Tensor], learning_rate: float) -> None:
        super().__init__(parameters, learning_rate)
        self.means = {name: torch.zeros_like(parameter) for name, parameter in self.parameters.items()}
        self.squares = {name: torch.zeros_like(parameter) for name, parameter in self.parameters.items()}
        self.steps = dict.fromkeys(self.parameters, 0)

    def step(self, name: str, ids: Tensor | None, gradient: Tensor) -> None:
        """See RowOptimizer."""
        parameter, means, squares = self.parameters[name], self.means[name], self.squares[name]
        self.steps[name] += 1
        correction = 1 - 0.9 ** self.steps[name], math.sqrt(1 - 0.999 ** self.steps[name])
        rate = self.learning_rate * correction[1] / correction[0]
        if ids is None:
            means.lerp_(gradient, 0.1)
            squares.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            parameter.addcdiv_(means, squares.sqrt().add_(1e-8 * correction[1]), value=-rate)
            return
        mean = means.index_select(0, ids).lerp_(gradient, 0.1)
        square = squares.index_select(0, ids).mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        means.index_copy_(0, ids, mean)
        squares.index_copy_(0, ids, square)
        parameter.index_add_(0, ids, mean.div_(square.sqrt_().add_(1e-8 * correction[1])).mul_(-rate))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """See RowOptimizer."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name in self.parameters:
            arrays[f"adam.mean.{name}"] = self.means[name].cpu().numpy()
            arrays[f"adam.square.{name}"] = self.squares[name].cpu().numpy()
            arrays[f"adam.steps.{name}"] = np.array(self.steps[name], np.int64)
        return arrays

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """See RowOptimizer."""
        for name in self.parameters:
            self.means[name].copy_(torch.from_numpy(np.array(state[f"adam.mean.{name}"])))
            self.squares[name].copy_(torch.from_numpy(np.array(state[f"adam.square.{name}"])))
            self.steps[name] = int(state[f"adam.steps.{name}"])
