"""The same network as an object made of modules, with a tape (lecture 004)."""

from engine.autodiff.modules import CrossEntropy, Linear, Sigmoid, Softmax
from engine.autodiff.tape import tape_bwd


class NeuralNetwork:
    """a = αx, z = σ(a), b = βz, ŷ = softmax(b), J = −yᵀ log ŷ."""

    def __init__(self):
        self.lin1_layer = Linear()
        self.sig_layer = Sigmoid()
        self.lin2_layer = Linear()
        self.soft_layer = Softmax()
        self.ce_layer = CrossEntropy()

    def forward(self, x, y, alpha, beta):
        """The loss, of values on the tape."""
        a = self.lin1_layer.apply_fwd(x, alpha)
        z = self.sig_layer.apply_fwd(a)
        b = self.lin2_layer.apply_fwd(z, beta)
        y_hat = self.soft_layer.apply_fwd(b)
        J = self.ce_layer.apply_fwd(y, y_hat)
        return J.out_tensor

    def backward(self):
        """The gradients of both layers' weights."""
        tape_bwd()
        return self.lin1_layer.in_gradients[1], self.lin2_layer.in_gradients[1]
