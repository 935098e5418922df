//! Legacy GeoIP databases of the City editions, `.dat` files.
//!
//! The file is a binary tree, the records, and a few bytes at the end that say what it is: `ff ff ff`, the edition, and how
//! many nodes the tree has. A node is two branches of three bytes each, low byte first, one for the next bit of the address
//! being 0, the other for 1. A branch below the number of nodes is the next node. Otherwise what is above that number is the
//! place of a record; just the number itself means that nothing is known.
//!
//! A record is the country's number, region, city and postal code as texts that a zero ends, latitude and longitude, and in
//! revision 1, for the United States only, metro and area code. These numbers have three bytes, low byte first; degrees are
//! counted from -180 in steps of 1/10000.

use std::net::IpAddr;

use super::country;
use super::record::Record;

/// How far from the end the edition may stand.
const TRAILER_MAX_BYTES: usize = 20;
/// Older files count editions from here.
const OLD_EDITIONS: u8 = 105;
const NODE_BYTES: usize = 6;

/// A City database.
#[derive(Debug)]
pub(super) struct Legacy {
    bytes: Vec<u8>,
    /// Nodes of the tree.
    nodes: usize,
    /// For addresses of 128 bits; else of 32.
    wide: bool,
    /// Records have area codes.
    area_codes: bool,
}

impl Legacy {
    /// A City database; `None` if the bytes are none.
    pub(super) fn new(bytes: Vec<u8>) -> Option<Legacy> {
        let trailer = bytes.len().saturating_sub(TRAILER_MAX_BYTES + 2)..bytes.len();
        let mark = trailer.rev().find(|&at| bytes.get(at..at + 3) == Some(&[0xff; 3]))?;
        let edition = *bytes.get(mark + 3)?;
        let edition = if edition > OLD_EDITIONS { edition - OLD_EDITIONS } else { edition };
        let (wide, area_codes) = match edition {
            2 => (false, true),
            6 => (false, false),
            30 => (true, true),
            31 => (true, false),
            _ => return None,
        };
        let nodes = number(bytes.get(mark + 4..)?)?;
        Some(Legacy { bytes, nodes, wide, area_codes })
    }

    /// What is known of an address.
    pub(super) fn find(&self, address: IpAddr) -> Option<Record<'_>> {
        let (bits, length) = match (address, self.wide) {
            (IpAddr::V4(address), false) => (u128::from(address.to_bits()) << 96, 32),
            (IpAddr::V6(_), false) => return None,
            (IpAddr::V4(address), true) => (u128::from(address.to_bits()), 128),
            (IpAddr::V6(address), true) => (address.to_bits(), 128),
        };
        let mut node = 0;
        for depth in 0..length {
            let side = if bits << depth >> 127 == 1 { 3 } else { 0 };
            node = number(self.bytes.get(node * NODE_BYTES + side..)?)?;
            if node >= self.nodes {
                return self.record(node - self.nodes);
            }
        }
        None
    }

    fn record(&self, at: usize) -> Option<Record<'_>> {
        if at == 0 {
            return None;
        }
        let mut rest = self.bytes.get(self.nodes * NODE_BYTES + at..)?;
        let country = country::by_number(*rest.first()?);
        rest = &rest[1..];
        let [region, city, postal_code] = [text(&mut rest)?, text(&mut rest)?, text(&mut rest)?];
        let mut take_number = || {
            let number = number(rest)?;
            rest = &rest[3..];
            Some(number)
        };
        let (latitude, longitude) = (degrees(take_number()?), degrees(take_number()?));
        let codes = if self.area_codes && country.code == "US" { take_number()? } else { 0 };
        Some(Record {
            place: Some((latitude, longitude)),
            country_code: country.code.into(),
            country_code3: country.code3.into(),
            country_name: country.name.into(),
            region: region.into(),
            city: city.into(),
            postal_code: postal_code.into(),
            area_code: u32::try_from(codes % 1000).unwrap_or(0),
            continent_code: country.continent.into(),
        })
    }
}

/// Three bytes, low byte first.
fn number(bytes: &[u8]) -> Option<usize> {
    let &[low, middle, high] = bytes.first_chunk()?;
    Some(usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "24 bits, and degrees have four decimals"
)]
fn degrees(number: usize) -> f32 {
    (number as f64 / 10_000.0 - 180.0) as f32
}

/// A text in ISO 8859-1 that a zero ends; takes it off `rest`.
fn text(rest: &mut &[u8]) -> Option<String> {
    let length = memchr::memchr(0, rest)?;
    let text = rest[..length].iter().map(|&byte| char::from(byte)).collect();
    *rest = &rest[length + 1..];
    Some(text)
}

#[cfg(test)]
mod tests;
