//! What can be wrong with data, in one shape: where it is, what is wrong, and what helps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A row of a file, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The row, from 1; headers and empty lines do not count.
    pub row: u64,
    /// The line of a text file on which the row begins, from 1: what an editor shows.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.path.display(), self.row)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// Why data cannot be read, fetched or written: where in which file, what is wrong, and what helps.
#[derive(Debug)]
pub struct DataError(Box<Content>);

#[derive(Debug)]
struct Content {
    path: Option<PathBuf>,
    place: Option<Place>,
    column: Option<String>,
    problem: String,
    remedy: Option<String>,
    cause: Cause,
}

/// What is to blame, which decides whether another attempt may succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The data, or what was asked for: another attempt fails as well.
    Input,
    /// The operating system refused something.
    Io(io::Error),
    /// Something that passes: a hub that is busy, a connection that broke off.
    Passing,
    /// Memory is too short, and may not be later.
    Memory,
    /// Several things are wrong; at least two.
    Several(Vec<DataError>),
}

impl DataError {
    /// Something that is wrong with no single file.
    pub fn new(problem: impl Into<String>) -> Self {
        let problem = problem.into();
        let content =
            Content { path: None, place: None, column: None, problem, remedy: None, cause: Cause::Input };
        Self(Box::new(content))
    }

    /// Something that is wrong with a file or a folder.
    pub fn of(path: &Path, problem: impl Into<String>) -> Self {
        let mut error = Self::new(problem);
        error.0.path = Some(path.to_owned());
        error
    }

    /// Something that is wrong with a row.
    pub fn at(place: Place, problem: impl Into<String>) -> Self {
        let mut error = Self::new(problem);
        error.0.place = Some(place);
        error
    }

    /// Several errors as one. Returns `None` without any; a single one is itself.
    pub fn all(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() < 2 {
            return errors.pop();
        }
        Some(Self::new("").because(Cause::Several(errors)))
    }

    /// The same in a file.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// The same in a column, whose name goes before the problem.
    #[must_use]
    pub fn in_column(mut self, column: &str) -> Self {
        self.0.column = Some(column.to_owned());
        self
    }

    /// The same with what helps.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// The same with what is to blame.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.0.cause = cause;
        self
    }

    /// What is to blame.
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// Every error, if there are several.
    pub fn several(&self) -> Option<&[Self]> {
        if let Cause::Several(all) = self.cause() { Some(all) } else { None }
    }

    /// Whether the same attempt would fail again, on any machine.
    pub fn is_permanent(&self) -> bool {
        match self.cause() {
            Cause::Input => true,
            Cause::Io(error) => is_mistake(error),
            Cause::Passing | Cause::Memory => false,
            Cause::Several(all) => all.iter().all(Self::is_permanent),
        }
    }
}

/// Whether a file is the wrong one, or none: no fault of the machine.
pub fn is_mistake(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | InvalidData | IsADirectory | NotADirectory)
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Content { path, place, column, problem, remedy, cause } = &*self.0;
        match (path, place) {
            (_, Some(place)) => write!(f, "{place}: ")?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, None) => {}
        }
        if let Some(column) = column {
            write!(f, "column {column:?} ")?;
        }
        match cause {
            Cause::Io(error) if problem.is_empty() => write!(f, "{error}")?,
            Cause::Several(all) => {
                let others = if all.len() == 2 { "1 other image" } else { "other images" };
                let number = if all.len() == 2 { String::new() } else { format!("{} ", all.len() - 1) };
                write!(f, "{}; nor can {number}{others} be read: `llp data verify` lists all", all[0])?;
            }
            _ => write!(f, "{problem}")?,
        }
        remedy.as_ref().map_or(Ok(()), |remedy| write!(f, ": {remedy}"))
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // What a message contains already is no further cause.
        None
    }
}

/// The error names the file: it is one of `fs_err`.
impl From<io::Error> for DataError {
    fn from(error: io::Error) -> Self {
        Self::new("").because(Cause::Io(error))
    }
}

/// Names for people.
pub fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl DataError {
    /// A file that is damaged, unless the operating system refused to read it. `source` is what its reader met.
    pub(crate) fn unreadable(path: &Path, problem: impl Into<String>, source: io::Error) -> Self {
        let is_refused = source.raw_os_error().is_some();
        let error = Self::of(path, problem);
        if is_refused { error.because(Cause::Io(source)) } else { error }
    }
}
