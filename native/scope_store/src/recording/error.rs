//! Why a recording cannot be written or opened.

use super::VERSION;
use std::io::{self, ErrorKind};

/// What is wrong with a path, a disk or a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// There is no such file.
    #[error("there is no such file")]
    NoFile,
    /// The folder for a new file is not there.
    #[error("its folder does not exist")]
    NoFolder,
    /// The path is that of a folder.
    #[error("that is a folder")]
    IsFolder,
    /// A link, a device, a pipe: none of them is opened or replaced.
    #[error("that is no plain file")]
    NotPlain,
    /// There is a file of that name.
    #[error("there is such a file already")]
    Exists,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The file system does not let us.
    #[error("the file system does not allow it")]
    Denied,
    /// The file does not begin like a recording.
    #[error("that is no recording")]
    NotOne,
    /// A later version of the format.
    #[error("a recording of version {0}, which is newer than version {VERSION} of this reader")]
    Version(u32),
    /// The file ends before its end marker.
    #[error("the recording is cut off: {at} bytes are whole, and {left} behind them are not")]
    Cut {
        /// So many bytes are whole.
        at: u64,
        /// So many are behind them.
        left: u64,
    },
    /// A part is not what was written.
    #[error("the recording is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the part begins.
        at: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// What it is to say of itself has no room in a part.
    #[error("{0} is more than a recording can say")]
    TooMuch(&'static str),
    /// Anything else that the file system answers.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for RecordingError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NoFile,
            ErrorKind::AlreadyExists => Self::Exists,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full
            }
            ErrorKind::IsADirectory => Self::IsFolder,
            ErrorKind::NotADirectory => Self::NoFolder,
            // A link where none may be followed; a device or pipe that nobody serves.
            _ if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => Self::NotPlain,
            _ => Self::Io(error),
        }
    }
}
