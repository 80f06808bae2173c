//! Slots in which cells run, such as GPUs.

use std::cell::RefCell;
use std::rc::Rc;

/// The cells that run in a slot, and those that were started there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    running: usize,
    started: usize,
}

/// Equivalent slots, counted from 0.
#[derive(Debug)]
pub(super) struct Slots(Rc<RefCell<Vec<Load>>>);

/// A slot that a cell has, while this value exists.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) index: usize,
    loads: Rc<RefCell<Vec<Load>>>,
}

impl Slots {
    /// `n` slots, at least one.
    pub(super) fn new(n: usize) -> Self {
        Self(Rc::new(RefCell::new(vec![Load::default(); n.max(1)])))
    }

    /// The slot of the next cell.
    pub(super) fn take(&self) -> Slot {
        let mut loads = self.0.borrow_mut();
        let index = least_busy(&loads);
        loads[index].running += 1;
        loads[index].started += 1;
        Slot { index, loads: Rc::clone(&self.0) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.loads.borrow_mut()[self.index].running -= 1;
    }
}

/// The slot where the fewest cells run; of several, the one where the fewest were started, so that a cell that failed
/// is tried elsewhere.
fn least_busy(loads: &[Load]) -> usize {
    let least = loads.iter().enumerate().min_by_key(|(_, load)| (load.running, load.started));
    least.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(pairs: &[(usize, usize)]) -> Vec<Load> {
        pairs.iter().map(|&(running, started)| Load { running, started }).collect()
    }

    /// Fewest running comes first, then fewest started, then the first slot.
    #[test]
    fn the_least_busy_slot_is_next() {
        for (pairs, slot) in [
            (&[(0, 0)][..], 0),
            (&[(0, 0), (0, 0)], 0),
            (&[(2, 2), (1, 9), (2, 2)], 1),
            (&[(1, 4), (1, 3), (2, 2)], 1),
        ] {
            assert_eq!(least_busy(&loads(pairs)), slot, "{pairs:?}");
        }
    }

    /// With this many cells at once as a multiple of the slots, every slot has the same number; what ends makes room
    /// for the next where it was.
    #[test]
    fn slots_are_filled_evenly() {
        let slots = Slots::new(3);
        let mut taken: Vec<Slot> = (0..6).map(|_| slots.take()).collect();
        assert_eq!(taken.iter().map(|slot| slot.index).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        drop(taken.remove(4));
        assert_eq!(slots.take().index, 1);
    }

    /// A cell that is tried again while nothing else runs goes to another slot.
    #[test]
    fn another_attempt_goes_elsewhere() {
        let slots = Slots::new(2);
        let first = slots.take().index;
        assert_ne!(slots.take().index, first);
    }
}
