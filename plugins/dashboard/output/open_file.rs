//! Opens what lies below a folder, and nothing else: no symbolic link is followed below it, and nobody can swap one in between.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};

/// What a path leads to.
pub(super) enum Found {
    /// A file.
    File(File),
    /// A folder.
    Folder(OwnedFd),
}

/// The names in a path of a URL, `.` and `..` resolved the way a shell's user would; `None` if one cannot be a name.
pub(super) fn names(path: &[u8]) -> Option<Vec<&[u8]>> {
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name if name.contains(&0) => return None,
            name => names.push(name),
        }
    }
    Some(names)
}

/// Opens what the names lead to below `root`.
///
/// # Errors
/// It is not there, or is neither a file nor a folder, or a link.
pub(super) fn open(root: &Path, names: &[&[u8]]) -> io::Result<Found> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut at = openat(CWD, root, flags | OFlags::DIRECTORY, Mode::empty())?;
    for name in names {
        at = openat(&at, *name, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    let file = File::from(at);
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Ok(Found::Folder(file.into()));
    }
    if kind.is_file() { Ok(Found::File(file)) } else { Err(io::ErrorKind::NotFound.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_never_lead_above_the_folder() {
        assert_eq!(names(b"/a/./b//c/../d"), Some(vec![b"a".as_slice(), b"b", b"d"]));
        assert_eq!(names(b"/../../etc/passwd"), Some(vec![b"etc".as_slice(), b"passwd"]));
        assert_eq!(names(b"/a\0b"), None);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("sub/file"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
        assert!(matches!(open(&root, &[b"sub", b"file"]), Ok(Found::File(_))));
        assert!(matches!(open(&root, &[b"sub"]), Ok(Found::Folder(_))));
        assert!(matches!(open(&root, &[]), Ok(Found::Folder(_))));
        for outside in [vec![b"link".as_slice()], vec![b"up"], vec![b"up", b"secret"]] {
            assert!(open(&root, &outside).is_err(), "{outside:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_up(path: Vec<u8>) {
            for name in names(&path).unwrap_or_default() {
                prop_assert!(!name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/'));
            }
        }
    }
}
