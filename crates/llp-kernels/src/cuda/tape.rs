//! The way back through the operations on a GPU.
//!
//! candle's own graph would cost a kernel and an allocation for every operand of every operation. So the operations
//! between the images and the pooling have a tape of their own: each result knows how to send its gradient on, and
//! candle sees the whole as one operation on a variable that represents all parameters (`activations::Leave`). The
//! gradients of parameters go to `crate::backward` directly.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, bail};

use super::array::Array;
use super::context::Context;

/// Sends the gradient of a result on to what it was computed from.
type Backward = Box<dyn Fn(&Context, Array) -> Result<()> + Send + Sync>;

/// A result that something depends on, with its gradient while it is summed.
pub(super) struct Node {
    /// Larger than those of all that it was computed from.
    id: u64,
    gradient: Mutex<Option<Array>>,
    backward: Backward,
    parents: Vec<Arc<Node>>,
}

static N_NODES: AtomicU64 = AtomicU64::new(0);

impl Node {
    /// A result of `parents`.
    pub(super) fn new(
        parents: Vec<Arc<Self>>,
        backward: impl Fn(&Context, Array) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let id = N_NODES.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, gradient: Mutex::default(), backward: Box::new(backward), parents })
    }

    /// Adds a gradient.
    pub(super) fn give(&self, context: &Context, gradient: Array) -> Result<()> {
        let mut slot = self.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.as_mut() {
            Some(sum) => sum.add(context, &gradient)?,
            None => *slot = Some(gradient),
        }
        Ok(())
    }

    /// Lets `write` add a gradient to the sum, if there is one, or make it.
    pub(super) fn fill(&self, write: impl FnOnce(Option<&Array>) -> Result<Option<Array>>) -> Result<()> {
        let mut slot = self.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = write(slot.as_ref())? {
            *slot = Some(first);
        }
        Ok(())
    }

    fn take(&self) -> Option<Array> {
        self.gradient.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends a gradient of this result back to all parameters.
    pub(super) fn back(self: &Arc<Self>, context: &Context, gradient: Array) -> Result<()> {
        self.give(context, gradient)?;
        let mut waiting = BTreeMap::from([(self.id, Arc::clone(self))]);
        let mut seen = HashSet::from([self.id]);
        // The youngest first: everything that depends on a node is younger, so its gradient is whole by then.
        while let Some((_, node)) = waiting.pop_last() {
            let Some(gradient) = node.take() else { bail!("no gradient has reached these activations") };
            (node.backward)(context, gradient)?;
            for parent in &node.parents {
                if seen.insert(parent.id) {
                    waiting.insert(parent.id, Arc::clone(parent));
                }
            }
        }
        Ok(())
    }
}
