//! Unix datagram sockets with a name.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use crate::addressing::reason;

/// A socket's file, which goes with it.
pub(in crate::udp) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody else may have removed it, which is as well.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A socket at a path, or with an abstract name, which is no file, after `@`. The file of a process that is no more gives
/// way.
pub(in crate::udp) fn bind(address: &str) -> io::Result<(UnixDatagram, Option<SocketFile>)> {
    if let Some(name) = address.strip_prefix('@') {
        return Ok((UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?, None));
    }
    let path = Path::new(address);
    let socket = match UnixDatagram::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(path) => {
            std::fs::remove_file(path)?;
            UnixDatagram::bind(path)?
        }
        bound => bound?,
    };
    Ok((socket, Some(SocketFile(path.into()))))
}

/// Connects to a path or, after `@`, to an abstract name.
pub(in crate::udp) fn connect(socket: &UnixDatagram, address: &str) -> io::Result<()> {
    match address.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?),
        None => socket.connect(address),
    }
}

/// Why a call failed. A path that does not fit is refused before the system sees it.
pub(in crate::udp) fn why(error: &io::Error) -> String {
    if error.raw_os_error().is_none() { "invalid argument".into() } else { reason(error) }
}

/// Whether nobody listens on a socket file any more.
fn is_left_over(path: &Path) -> bool {
    if !std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket()) {
        return false;
    }
    let asked = UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
