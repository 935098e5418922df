//! Registers, in the dense layout of Redis.

use crate::native::hash::murmur64a;

const INDEX_BITS: u32 = 14;
const REGISTERS: usize = 1 << INDEX_BITS;
const REGISTER_BITS: usize = 6;
const REGISTER_MASK: u16 = (1 << REGISTER_BITS) - 1;
const HEADER_BYTES: usize = 16;
/// Bytes of a sketch.
pub(super) const BYTES: usize = HEADER_BYTES + REGISTERS * REGISTER_BITS / 8;
const MAGIC: &[u8; 4] = b"HYLL";
const DENSE: u8 = 0;
const SEED: u64 = 0xadc8_3b19;
/// In the last byte of the count: it is not that of the registers.
const STALE: u8 = 0x80;

/// Four letters, the encoding, three bytes that are 0, the count when it was asked for last, and the registers.
#[repr(C)]
pub(super) struct Sketch {
    magic: [u8; 4],
    encoding: u8,
    unused: [u8; 3],
    counted: [u8; 8],
    registers: [u8; BYTES - HEADER_BYTES],
    /// So that two bytes can be read wherever a register starts.
    beyond: u8,
}

impl Sketch {
    /// Makes it a new one.
    pub(super) fn reset(&mut self) {
        self.magic = *MAGIC;
        self.encoding = DENSE;
        self.unused = [0; 3];
        self.counted = [0; 8];
        self.beyond = 0;
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.registers.fill(0);
        self.counted[7] |= STALE;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: all fields are bytes, one behind the other; the last is left out.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), BYTES) }
    }

    /// Takes over bytes that were saved, [`BYTES`] of them.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let Some((header, registers)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err("HYLL header not found");
        };
        if !header.starts_with(MAGIC) {
            return Err("HYLL header not found");
        }
        if header[4] != DENSE {
            return Err("invalid encoding");
        }
        self.unused.copy_from_slice(&header[5..8]);
        self.counted.copy_from_slice(&header[8..]);
        self.registers.copy_from_slice(registers);
        Ok(())
    }

    fn register(&self, index: usize) -> u16 {
        let bit = index * REGISTER_BITS;
        let next = self.registers.get(bit / 8 + 1).copied().unwrap_or(self.beyond);
        u16::from_le_bytes([self.registers[bit / 8], next]) >> (bit % 8) & REGISTER_MASK
    }

    fn set_register(&mut self, index: usize, value: u16) {
        let bit = index * REGISTER_BITS;
        let mask = (REGISTER_MASK << (bit % 8)).to_le_bytes();
        let value = (value << (bit % 8)).to_le_bytes();
        for (step, (mask, value)) in mask.into_iter().zip(value).enumerate() {
            // The last register ends with the last byte.
            if let Some(byte) = self.registers.get_mut(bit / 8 + step) {
                *byte = *byte & !mask | value;
            }
        }
    }

    /// Adds an item. Returns whether a register changed.
    pub(super) fn add(&mut self, key: &[u8]) -> bool {
        let hash = murmur64a(key, SEED);
        let index = hash as usize % REGISTERS;
        // Zeros in the rest of the hash, from its low end, and one.
        let run = ((hash | 1 << 63) >> INDEX_BITS).trailing_zeros() as u16 + 1;
        if run <= self.register(index) {
            return false;
        }
        self.set_register(index, run);
        self.counted[7] |= STALE;
        true
    }

    /// How many different items there were, about.
    pub(super) fn count(&mut self) -> u64 {
        if self.counted[7] & STALE == 0 {
            return u64::from_le_bytes(self.counted);
        }
        let count = self.estimate() as u64;
        self.counted = count.to_le_bytes();
        count
    }

    fn estimate(&self) -> f64 {
        let registers = REGISTERS as f64;
        let (mut sum, mut empty) = (0.0, 0.0);
        for index in 0..REGISTERS {
            let value = self.register(index);
            sum += 1.0 / (1_u64 << value) as f64;
            empty += f64::from(u8::from(value == 0));
        }
        let raw = (1.0 / sum) * (0.7213 / (1.0 + 1.079 / registers)) * registers * registers;
        if raw < registers * 2.5 && empty != 0.0 {
            return registers * (registers / empty).ln();
        }
        if raw >= 72000.0 {
            return raw;
        }
        // How far off the raw estimate is in this range, in percent: a polynomial through measured points, of Redis.
        let (square, cube) = (raw * raw, raw * raw * raw);
        let bias = 5.9119 * 1e-18 * (cube * raw) - 1.4253 * 1e-12 * cube + 1.2940 * 1e-7 * square
            - 5.2921 * 1e-3 * raw
            + 83.3216;
        raw - raw * (bias / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch() -> Box<Sketch> {
        let mut sketch = Box::new(Sketch {
            magic: [1; 4],
            encoding: 1,
            unused: [1; 3],
            counted: [1; 8],
            registers: [1; BYTES - HEADER_BYTES],
            beyond: 1,
        });
        sketch.reset();
        sketch
    }

    #[test]
    fn registers_do_not_touch_one_another() {
        let mut sketch = sketch();
        for index in 0..REGISTERS {
            sketch.set_register(index, (index * 7 % 64) as u16);
        }
        for index in 0..REGISTERS {
            assert_eq!(sketch.register(index), (index * 7 % 64) as u16);
        }
        sketch.set_register(5, 0);
        assert_eq!([sketch.register(4), sketch.register(5), sketch.register(6)], [28, 0, 42]);
    }

    #[test]
    fn counts_are_within_two_percent() {
        let mut sketch = sketch();
        for item in 1..=300_000_u32 {
            sketch.add(&item.to_le_bytes());
            if [10, 1000, 20_000, 50_000, 100_000, 300_000].contains(&item) {
                let off = (sketch.count() as f64 - f64::from(item)).abs() / f64::from(item);
                assert!(off < 0.02, "{item}: {}", sketch.count());
            }
        }
    }

    #[test]
    fn bytes_are_taken_over() {
        let (mut a, mut b) = (sketch(), sketch());
        let changes = (0..100_u32).filter(|item| a.add(&item.to_le_bytes())).count();
        assert!(changes > 90);
        b.replace(a.bytes()).unwrap();
        assert_eq!(a.bytes(), b.bytes());
        assert_eq!(a.count(), b.count());
        assert_eq!(b.replace(&[0; BYTES]), Err("HYLL header not found"));
        let mut other = a.bytes().to_vec();
        other[4] = 1;
        assert_eq!(b.replace(&other), Err("invalid encoding"));
    }
}
