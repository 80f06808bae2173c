//! Calls of bag losses.

use super::{Argument, Call, Pointer, THREADS};
use crate::bag_loss::Sweeps;

/// `THREADS` of `losses.cu`.
const LOSS_THREADS: u32 = 128;

/// Where the losses of bags find and leave their numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::cuda) struct BagArrays {
    /// `[instance, class]`.
    pub(in crate::cuda) logits: Pointer,
    /// `[bag + 1]`, 32 bits each: where the instances of each bag begin.
    pub(in crate::cuda) starts: Pointer,
    /// `[bag, class]`.
    pub(in crate::cuda) proportions: Pointer,
    pub(in crate::cuda) n_bags: usize,
    pub(in crate::cuda) n_classes: usize,
    /// `[bag]`.
    pub(in crate::cuda) loss: Pointer,
    /// `[instance, class]`.
    pub(in crate::cuda) gradient: Pointer,
    /// Scratch, `[instance]` twice.
    pub(in crate::cuda) scratch: [Pointer; 2],
}

impl BagArrays {
    fn call(&self, kernel: &str, more: Vec<Argument>) -> Call {
        let [normalizers, _] = self.scratch;
        let n_classes = self.n_classes as i32;
        let mut arguments = arguments![
            self.logits,
            self.starts,
            self.proportions,
            n_classes,
            self.loss,
            self.gradient,
            normalizers
        ];
        arguments.extend(more);
        let grid = [self.n_bags as u32, 1, 1];
        Call { kernel: kernel.into(), grid, block: [LOSS_THREADS, 1, 1], arguments }
    }

    pub(in crate::cuda) fn kl(&self) -> Call {
        self.call("kl_loss", Vec::new())
    }

    pub(in crate::cuda) fn avg_kl(&self) -> Call {
        self.call("avg_kl_loss", Vec::new())
    }

    pub(in crate::cuda) fn rot(&self, alpha: f32, epsilon: f32, sweeps: Sweeps) -> Call {
        let (threshold, n_sweeps, shifts) = match sweeps {
            Sweeps::Fixed(n) => (0.0, n, 0),
            Sweeps::Until { residual, at_most } => (residual, at_most, 1),
        };
        let columns = self.scratch[1];
        self.call(
            "rot_loss",
            arguments![columns, alpha, epsilon, threshold, n_sweeps.min(i32::MAX as usize) as i32, shifts],
        )
    }

    /// The gradient times a factor for each bag.
    pub(in crate::cuda) fn scale(&self, factors: Pointer, scaled: Pointer) -> Call {
        Call {
            kernel: "scale_bags".into(),
            grid: [self.n_bags as u32, 1, 1],
            block: [THREADS, 1, 1],
            arguments: arguments![self.gradient, self.starts, factors, self.n_classes as i32, scaled],
        }
    }
}
