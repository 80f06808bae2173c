//! The screen of `llp watch`: taken over, kept up to date, and given back.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::View;
use super::{GRACE, NAP, Watched};

/// Shows one snapshot after another until a key, a signal or the end of the terminal ends it.
pub(super) fn show(watched: &mut Watched, interval: Duration, should_end: &AtomicBool) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let end = keep_showing(&mut terminal, watched, interval, should_end);
    let restored = terminal.show_cursor().and(ratatui::try_restore());
    if restored.is_err() {
        // Dropping it would show the cursor once more and tell stderr that it cannot, which panics where that is gone.
        std::mem::forget(terminal);
    }
    // A terminal that is gone cannot be drawn on or given back, and that is how a closed window ends this program.
    let shown = end.and(restored);
    if shown.is_err() && is_gone(should_end) { Ok(()) } else { shown }
}

/// Whether the terminal is gone: a write may fail a moment before that can be seen, or before the signal comes.
fn is_gone(should_end: &AtomicBool) -> bool {
    let failed = Instant::now();
    while failed.elapsed() < GRACE {
        if should_end.load(Ordering::Relaxed) || !io::stdin().is_terminal() {
            return true;
        }
        std::thread::sleep(NAP);
    }
    false
}

fn keep_showing(
    terminal: &mut DefaultTerminal,
    watched: &mut Watched,
    interval: Duration,
    should_end: &AtomicBool,
) -> io::Result<()> {
    let mut view = View::new(watched.snapshot());
    let mut looked = Instant::now();
    terminal.draw(|frame| view.draw(frame))?;
    while !should_end.load(Ordering::Relaxed) {
        if event::poll(NAP)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => match action(key) {
                    Action::End => return Ok(()),
                    Action::Scroll(lines) => view.scroll(lines),
                    Action::Nothing => continue,
                },
                Event::Resize(..) => {}
                _ => continue,
            }
        } else if looked.elapsed() >= interval {
            view.update(watched.snapshot());
            looked = Instant::now();
        } else {
            continue;
        }
        terminal.draw(|frame| view.draw(frame))?;
    }
    Ok(())
}

enum Action {
    End,
    Scroll(isize),
    Nothing,
}

fn action(key: KeyEvent) -> Action {
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Action::End,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Action::End,
        KeyCode::Down | KeyCode::Char('j') => Action::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Action::Scroll(-1),
        KeyCode::PageDown => Action::Scroll(10),
        KeyCode::PageUp => Action::Scroll(-10),
        _ => Action::Nothing,
    }
}
