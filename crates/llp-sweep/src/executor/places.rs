//! Places where cells run, such as GPUs.

use std::cell::RefCell;
use std::rc::Rc;

/// What a place has to do, and has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    running: usize,
    begun: usize,
}

/// Places of equal worth, counted from 0.
#[derive(Debug)]
pub(super) struct Places(Rc<RefCell<Vec<Load>>>);

/// A place that a cell has, as long as this value lives.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) index: usize,
    loads: Rc<RefCell<Vec<Load>>>,
}

impl Places {
    /// `n` places, at least one.
    pub(super) fn new(n: usize) -> Self {
        Self(Rc::new(RefCell::new(vec![Load::default(); n.max(1)])))
    }

    /// The place of the next cell.
    pub(super) fn take(&self) -> Place {
        let mut loads = self.0.borrow_mut();
        let index = least_busy(&loads);
        loads[index].running += 1;
        loads[index].begun += 1;
        Place { index, loads: Rc::clone(&self.0) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.loads.borrow_mut()[self.index].running -= 1;
    }
}

/// The place where the fewest cells run; of several, the one where the fewest were begun, so that a cell that failed is
/// tried elsewhere.
fn least_busy(loads: &[Load]) -> usize {
    let least = loads.iter().enumerate().min_by_key(|(_, load)| (load.running, load.begun));
    least.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(pairs: &[(usize, usize)]) -> Vec<Load> {
        pairs.iter().map(|&(running, begun)| Load { running, begun }).collect()
    }

    /// Fewest running comes first, then fewest begun, then the first place.
    #[test]
    fn the_least_busy_place_is_next() {
        for (pairs, place) in [
            (&[(0, 0)][..], 0),
            (&[(0, 0), (0, 0)], 0),
            (&[(2, 2), (1, 9), (2, 2)], 1),
            (&[(1, 4), (1, 3), (2, 2)], 1),
        ] {
            assert_eq!(least_busy(&loads(pairs)), place, "{pairs:?}");
        }
    }

    /// With this many cells at once as a multiple of the places, every place has the same number; what ends makes room
    /// for the next where it was.
    #[test]
    fn places_are_filled_evenly() {
        let places = Places::new(3);
        let mut taken: Vec<Place> = (0..6).map(|_| places.take()).collect();
        assert_eq!(taken.iter().map(|place| place.index).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        drop(taken.remove(4));
        assert_eq!(places.take().index, 1);
    }

    /// A cell that is tried again while nothing else runs goes to another place.
    #[test]
    fn another_attempt_goes_elsewhere() {
        let places = Places::new(2);
        let first = places.take().index;
        assert_ne!(places.take().index, first);
    }
}
