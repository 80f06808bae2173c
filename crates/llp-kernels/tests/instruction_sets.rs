//! The choice of the instruction set; by itself, as it holds for the whole process.

use llp_kernels::InstructionSet;

/// The widest instruction set that may be used is the one that was asked for, or what the machine has below it.
#[test]
fn instruction_sets_can_be_limited() {
    let widest = InstructionSet::current();
    assert!(widest.is_available());
    assert_eq!(InstructionSet::limit(InstructionSet::Portable), InstructionSet::Portable);
    assert_eq!(InstructionSet::current(), InstructionSet::Portable);
    assert_eq!(InstructionSet::limit(widest), widest);
}
