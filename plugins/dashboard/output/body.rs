//! Bodies of replies: known as a whole, read from a file piece by piece, or sent as they come.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

/// A file is read in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// A reply's body.
pub(super) enum Reply {
    /// All of it.
    Whole(Bytes),
    /// So many bytes of a file, from where it stands. One that is cut meanwhile ends the connection.
    File(File, u64),
    /// What comes, until the sender is gone.
    Stream(Receiver<Bytes>),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Reply::Whole(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Reply::File(file, left) => {
                let size = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
                let mut piece = vec![0; size];
                // Local files only; a read is short.
                let read = file.read(&mut piece).unwrap_or(0);
                piece.truncate(read);
                *left -= read as u64;
                Some(Bytes::from(piece)).filter(|piece| !piece.is_empty())
            }
            Reply::Stream(pieces) => std::task::ready!(pieces.poll_recv(context)),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Reply::Whole(bytes) => bytes.is_empty(),
            Reply::File(_, left) => *left == 0,
            Reply::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Reply::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Reply::File(_, left) => SizeHint::with_exact(*left),
            Reply::Stream(_) => SizeHint::default(),
        }
    }
}
