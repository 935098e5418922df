//! Numbers in headers.

pub(super) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn padded_varint(b: [u8; 4]) -> Option<usize> {
    let word = u32::from_le_bytes(b);
    if word & 0x8080_8080 != 0x0080_8080 {
        return None;
    }
    Some((word & 0x7F | word >> 1 & 0x3F80 | word >> 2 & 0x1F_C000 | word >> 3 & 0xFE0_0000) as usize)
}

pub(super) fn pad_varint(len: usize) -> [u8; 4] {
    let len = len as u32;
    let word = len & 0x7F | (len & 0x3F80) << 1 | (len & 0x1F_C000) << 2 | (len & 0xFE0_0000) << 3;
    (word | 0x0080_8080).to_le_bytes()
}
