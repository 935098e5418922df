//! The protocol's data types: numbers in network order, strings with their length, tables.

/// Bytes of a short string.
pub(super) const SHORT_STRING_MAX: usize = 255;

/// Bytes that are not what the protocol says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent what is not AMQP 0-9-1")]
pub(crate) struct Malformed;

/// Reads data types.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(super) fn octet(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn short(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn long(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn long_long(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn short_string(&mut self) -> Result<String, Malformed> {
        let length = self.octet()?;
        Ok(String::from_utf8_lossy(self.take(length.into())?).into_owned())
    }

    /// A long string, or a table as it is encoded: both begin with their length.
    pub(super) fn long_string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.long()?).map_err(|_| Malformed)?;
        self.take(length)
    }
}

/// Writes data types.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn octet(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn short(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn long(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn long_long(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Bits share an octet, the first being the lowest.
    pub(super) fn bits(&mut self, bits: &[bool]) -> &mut Self {
        self.octet(bits.iter().rev().fold(0, |octet, &bit| octet << 1 | u8::from(bit)))
    }

    /// A short string. Names from options were checked; what is too long is cut.
    pub(super) fn short_string(&mut self, text: &str) -> &mut Self {
        let bytes = &text.as_bytes()[..text.len().min(SHORT_STRING_MAX)];
        self.octet(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn long_string(&mut self, bytes: &[u8]) -> &mut Self {
        self.sized(|inner| inner.0.extend_from_slice(bytes))
    }

    /// A table of what `entries` writes.
    pub(super) fn sized(&mut self, entries: impl FnOnce(&mut Writer<'_>)) -> &mut Self {
        let start = self.0.len();
        self.long(0);
        entries(self);
        let size = u32::try_from(self.0.len() - start - 4).unwrap_or(u32::MAX);
        self.0[start..start + 4].copy_from_slice(&size.to_be_bytes());
        self
    }

    /// A table's entry.
    pub(super) fn entry_text(&mut self, key: &str, value: &str) -> &mut Self {
        self.short_string(key).octet(b'S').long_string(value.as_bytes())
    }

    /// A table's entry.
    pub(super) fn entry_truth(&mut self, key: &str, value: bool) -> &mut Self {
        self.short_string(key).octet(b't').octet(value.into())
    }

    /// A table's entry of 32 bits.
    pub(super) fn entry_number(&mut self, key: &str, value: i32) -> &mut Self {
        self.short_string(key).octet(b'I');
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }
}
