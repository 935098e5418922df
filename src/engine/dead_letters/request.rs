//! What is asked of an output's dead letters from outside, in a file: it works the same whether hekad runs or not, and is not
//! lost when either side dies.

use std::fs::{self, File};
use std::io::{self, Write};

use heka_queue::Position;

use super::Folder;

/// What is asked for. The letters meant are those before a place in their queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Send them again.
    Replay(Position),
    /// Give them up.
    Forget(Position),
}

impl Request {
    /// Leaves the request for the output, in place of one that it has not taken yet. Lasts when this returns.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn leave(self, folder: &Folder) -> io::Result<()> {
        let path = folder.request();
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(folder.dir())?.sync_all()
    }

    /// The request that waits: one that was taken before goes first. It is there until [`Request::finish`].
    ///
    /// # Errors
    /// The file cannot be read or moved. One that is no request is removed.
    pub fn take(folder: &Folder) -> io::Result<Option<Request>> {
        let taken = folder.taken();
        let text = match fs::read_to_string(&taken) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::rename(folder.request(), &taken) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    moved => moved?,
                }
                fs::read_to_string(&taken)?
            }
            text => text?,
        };
        let request = Request::parse(&text);
        if request.is_none() {
            fs::remove_file(&taken)?;
            let what = format!("{} is no request, it is removed: {text:?}", taken.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(request)
    }

    /// Removes the request that was taken.
    ///
    /// # Errors
    /// It is still there.
    pub fn finish(folder: &Folder) -> io::Result<()> {
        match fs::remove_file(folder.taken()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// What waits, without taking it: what the output is at, then what it has not seen.
    pub fn waiting(folder: &Folder) -> Vec<Request> {
        let read = |path| Request::parse(&fs::read_to_string(path).ok()?);
        [folder.taken(), folder.request()].into_iter().filter_map(read).collect()
    }

    fn text(self) -> String {
        let (word, at) = match self {
            Request::Replay(at) => ("replay", at),
            Request::Forget(at) => ("forget", at),
        };
        format!("{word} {} {}\n", at.segment, at.offset)
    }

    fn parse(text: &str) -> Option<Request> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let word = words.next()?;
        let at = Position::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        match (word, words.next()) {
            ("replay", None) => Some(Request::Replay(at)),
            ("forget", None) => Some(Request::Forget(at)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_until_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "es");
        folder.make().unwrap();
        assert_eq!(Request::take(&folder).unwrap(), None);
        let (first, second) = (Request::Replay(Position::new(3, 400)), Request::Forget(Position::new(4, 5)));
        first.leave(&folder).unwrap();
        assert_eq!(Request::take(&folder).unwrap(), Some(first));
        // Another one does not get in its way.
        second.leave(&folder).unwrap();
        assert_eq!(Request::take(&folder).unwrap(), Some(first));
        assert_eq!(Request::waiting(&folder), [first, second]);
        Request::finish(&folder).unwrap();
        assert_eq!(Request::take(&folder).unwrap(), Some(second));
        Request::finish(&folder).unwrap();
        Request::finish(&folder).unwrap();
        assert_eq!(Request::take(&folder).unwrap(), None);
    }

    #[test]
    fn what_is_no_request_is_told_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path(), "es");
        folder.make().unwrap();
        for text in ["", "replay 1 2", "replay 1\n", "replay 1 2 3\n", "burn 1 2\n", "forget -1 2\n"] {
            fs::write(folder.request(), text).unwrap();
            assert!(Request::take(&folder).is_err(), "{text:?}");
            assert_eq!(Request::take(&folder).unwrap(), None);
        }
    }
}
