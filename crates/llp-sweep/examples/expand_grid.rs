//! Expands a grid and prints its runs: `cargo run -p llp-sweep --example expand_grid -- paper optim.epochs=100`.
#![expect(clippy::print_stdout, reason = "an example of a program")]

use llp_sweep::config::Layers;
use llp_sweep::grid::Sweep;

fn main() -> Result<(), llp_sweep::SweepError> {
    let mut arguments = std::env::args().skip(1);
    let mut sweep = Sweep::preset(&arguments.next().unwrap_or_else(|| "digits".to_owned()))?;
    let mut settings = Layers::new();
    for argument in arguments {
        settings.assignment("argument", &argument)?;
    }
    sweep.apply(&settings);

    let runs = sweep.expand()?;
    for run in &runs {
        println!("{}", run.run_name());
    }
    println!("{} runs of the sweep `{}`", runs.len(), sweep.name());
    Ok(())
}
