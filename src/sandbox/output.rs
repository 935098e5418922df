//! The output buffer that all writing host functions of a sandbox share.

use crate::number;

/// The text would go over `output_limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// Bytes on their way out. One byte less than the limit fits, as if a terminating zero had to.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    /// Bytes; 0 is no limit.
    limit: usize,
    /// Most bytes ever held.
    peak: usize,
}

impl Output {
    pub(crate) fn new(limit: usize) -> Output {
        Output { bytes: Vec::new(), limit, peak: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The largest number of bytes held so far.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Whether `more` bytes still fit.
    #[inline]
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.limit == 0 || self.bytes.len() + more < self.limit
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        if !self.has_room(bytes.len()) {
            return Err(Overflow);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    pub(crate) fn put_byte(&mut self, byte: u8) -> Result<(), Overflow> {
        if !self.has_room(1) {
            return Err(Overflow);
        }
        self.bytes.push(byte);
        Ok(())
    }

    #[inline]
    pub(crate) fn put_varint(&mut self, mut value: u64) -> Result<(), Overflow> {
        let mut text = [0; 10];
        let mut length = 0;
        while value >= 0x80 {
            text[length] = value as u8 | 0x80;
            length += 1;
            value >>= 7;
        }
        text[length] = value as u8;
        self.put(&text[..=length])
    }

    pub(crate) fn put_number(&mut self, number: f64) -> Result<(), Overflow> {
        let mut text = [0; number::LONGEST];
        let length = number::format(number, &mut text);
        self.put(&text[..length])
    }

    /// Notes the peak; called after each host function that wrote.
    #[inline]
    pub(crate) fn measure(&mut self) {
        self.peak = self.peak.max(self.bytes.len());
    }

    /// Leaves room for a length in front of what follows; [`Output::end`] fills it in.
    #[inline]
    pub(crate) fn begin(&mut self) -> Result<usize, Overflow> {
        self.put_byte(0)?;
        Ok(self.bytes.len())
    }

    /// Writes the length of everything since `start` in front of it.
    #[inline]
    pub(crate) fn end(&mut self, start: usize) -> Result<(), Overflow> {
        // Lua code that ran in between may have emptied it.
        let length = self.bytes.len().checked_sub(start).ok_or(Overflow)?;
        if length < 0x80 {
            self.bytes[start - 1] = length as u8;
            return Ok(());
        }
        self.end_long(start, length)
    }

    fn end_long(&mut self, start: usize, length: usize) -> Result<(), Overflow> {
        let mut text = [0; 10];
        let mut size = 0;
        let mut value = length;
        while value >= 0x80 {
            text[size] = value as u8 | 0x80;
            size += 1;
            value >>= 7;
        }
        text[size] = value as u8;
        if !self.has_room(size) {
            return Err(Overflow);
        }
        self.bytes.splice(start - 1..start, text[..=size].iter().copied());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_less_than_the_limit_fits() {
        let mut output = Output::new(128);
        assert_eq!(output.put(&[b'x'; 128]), Err(Overflow));
        assert_eq!(output.put(&[b'x'; 127]), Ok(()));
        assert_eq!(output.put_byte(b'y'), Err(Overflow));
        let mut unlimited = Output::new(0);
        assert_eq!(unlimited.put(&[b'x'; 1_000_000]), Ok(()));
    }

    #[test]
    fn lengths_grow_into_their_place() {
        for length in [0, 1, 127, 128, 16383, 16384] {
            let mut output = Output::new(0);
            output.put(b"head").unwrap();
            let start = output.begin().unwrap();
            output.put(&vec![b'x'; length]).unwrap();
            output.end(start).unwrap();
            let mut expected = Output::new(0);
            expected.put(b"head").unwrap();
            expected.put_varint(length as u64).unwrap();
            expected.put(&vec![b'x'; length]).unwrap();
            assert_eq!(output.bytes(), expected.bytes());
        }
    }
}
