//! One error type for the whole program: a benchmark only has to say what went wrong.

/// Any failure, told as text to the person who started the benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What fallible functions of the benchmark answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Puts the name of the attempted step in front of an error.
pub trait Context<T> {
    /// Replaces an error by "`step`: error".
    fn context(self, step: &str) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, step: &str) -> Result<T> {
        self.map_err(|error| format!("{step}: {}", error.into()).into())
    }
}
