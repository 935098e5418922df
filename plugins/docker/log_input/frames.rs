//! Docker's frames: output of both streams over one connection.
//!
//! A frame begins with a byte that names the stream (0 and 1: standard output, 2: standard error), three zeros, and the size
//! of what follows in four bytes, most significant first.

const HEADER_BYTES: usize = 8;
/// Of a larger frame pieces of this size are handed on.
const PIECE_MAX: usize = 64 << 10;

/// A stream of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Finds frames.
#[derive(Default)]
pub(super) struct Frames {
    held: Vec<u8>,
    /// The stream of the frame that is being read, and its bytes to come.
    open: Option<(Which, usize)>,
}

impl Frames {
    /// Takes more bytes and hands on what is complete: frames, and pieces of large ones.
    ///
    /// # Errors
    /// What comes are no frames, or `take` fails.
    pub(super) fn add<E: From<String>>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Which, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        loop {
            match self.open {
                None => {
                    let Some((header, after)) = rest.split_at_checked(HEADER_BYTES) else { break };
                    let which = match header[..4] {
                        [0 | 1, 0, 0, 0] => Which::Stdout,
                        [2, 0, 0, 0] => Which::Stderr,
                        _ => return Err(E::from(format!("Unrecognized input header: {header:?}"))),
                    };
                    let size = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
                    rest = after;
                    self.open = (size > 0).then_some((which, size as usize));
                }
                Some((which, size)) => {
                    let piece = size.min(PIECE_MAX);
                    let Some((data, after)) = rest.split_at_checked(piece) else { break };
                    take(which, data)?;
                    rest = after;
                    self.open = (size > piece).then_some((which, size - piece));
                }
            }
        }
        self.held.extend_from_slice(rest);
        Ok(())
    }

    /// Whether a frame is being read.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some() || !self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(which: u8, data: &[u8]) -> Vec<u8> {
        let mut frame = vec![which, 0, 0, 0];
        frame.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(data);
        frame
    }

    proptest! {
        #[test]
        fn frames_are_found_however_the_bytes_come(
            frames in prop::collection::vec((0_u8..3, prop::collection::vec(any::<u8>(), 0..300)), 0..20),
            piece in 1_usize..500,
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(which, data)| frame(*which, data)).collect();
            let mut found = Vec::new();
            let mut reader = Frames::default();
            for part in bytes.chunks(piece) {
                reader.add(part, |which, data| { found.push((which, data.to_vec())); Ok::<(), String>(()) }).unwrap();
            }
            prop_assert!(!reader.is_open());
            let which = |number| if number == 2 { Which::Stderr } else { Which::Stdout };
            let sent: Vec<_> = frames.into_iter().filter(|(_, data)| !data.is_empty())
                .map(|(number, data)| (which(number), data)).collect();
            prop_assert_eq!(found, sent);
        }
    }

    #[test]
    fn large_frames_come_in_pieces_and_others_are_refused() {
        let mut sizes = Vec::new();
        let mut reader = Frames::default();
        let take = |_: Which, data: &[u8]| {
            sizes.push(data.len());
            Ok::<(), String>(())
        };
        reader.add(&frame(1, &vec![b'x'; PIECE_MAX + 5]), take).unwrap();
        assert_eq!(sizes, [PIECE_MAX, 5]);
        let why = reader.add(b"no frames", |_, _| Ok::<(), String>(())).unwrap_err();
        assert!(why.starts_with("Unrecognized input header"), "{why}");
    }
}
