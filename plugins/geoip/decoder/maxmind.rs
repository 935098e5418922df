//! MaxMind databases, `.mmdb` files: GeoIP2, GeoLite2 and others with the same members.

use std::net::IpAddr;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

use super::country;
use super::record::Record;

/// Where in a file's last bytes its metadata starts.
const METADATA_MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
const METADATA_MAX_BYTES: usize = 128 * 1024;

/// A database.
#[derive(Debug)]
pub(super) struct MaxMind(Reader<Vec<u8>>);

#[derive(Deserialize)]
struct Entry<'d> {
    #[serde(borrow)]
    city: Option<Named<'d>>,
    continent: Option<Coded<'d>>,
    country: Option<Country<'d>>,
    registered_country: Option<Country<'d>>,
    location: Option<Location>,
    postal: Option<Coded<'d>>,
    subdivisions: Option<Vec<Country<'d>>>,
}

#[derive(Deserialize)]
struct Named<'d> {
    #[serde(borrow)]
    names: Option<Names<'d>>,
}

#[derive(Deserialize)]
struct Names<'d> {
    en: Option<&'d str>,
}

#[derive(Deserialize)]
struct Coded<'d> {
    code: Option<&'d str>,
}

/// A country, or a part of one.
#[derive(Deserialize)]
struct Country<'d> {
    iso_code: Option<&'d str>,
    names: Option<Names<'d>>,
}

#[derive(Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl MaxMind {
    /// Whether the bytes are such a database, good or bad.
    pub(super) fn is_meant_by(bytes: &[u8]) -> bool {
        let end = &bytes[bytes.len().saturating_sub(METADATA_MAX_BYTES)..];
        memchr::memmem::rfind(end, METADATA_MARK).is_some()
    }

    /// A database.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub(super) fn new(bytes: Vec<u8>) -> Result<MaxMind, MaxMindDbError> {
        Reader::from_source(bytes).map(MaxMind)
    }

    /// What is known of an address. A damaged entry counts as nothing.
    pub(super) fn find(&self, address: IpAddr) -> Option<Record<'_>> {
        let entry: Entry<'_> = self.0.lookup(address).ok()?.decode().ok()??;
        let country = entry.country.or(entry.registered_country);
        let code = country.as_ref().and_then(|country| country.iso_code).unwrap_or_default();
        let part = entry.subdivisions.and_then(|parts| parts.into_iter().next());
        Some(Record {
            place: entry.location.and_then(|place| Some((narrow(place.latitude?), narrow(place.longitude?)))),
            country_code: code.into(),
            country_code3: country::code3_of(code).into(),
            country_name: english(country.and_then(|country| country.names)).into(),
            region: part.and_then(|part| part.iso_code).unwrap_or_default().into(),
            city: english(entry.city.and_then(|city| city.names)).into(),
            postal_code: coded(entry.postal).into(),
            area_code: 0,
            continent_code: coded(entry.continent).into(),
        })
    }
}

fn english(names: Option<Names<'_>>) -> &str {
    names.and_then(|names| names.en).unwrap_or_default()
}

fn coded(coded: Option<Coded<'_>>) -> &str {
    coded.and_then(|coded| coded.code).unwrap_or_default()
}

/// Legacy databases have this precision, and so have messages.
#[expect(clippy::cast_possible_truncation, reason = "degrees have four decimals")]
fn narrow(degrees: f64) -> f32 {
    degrees as f32
}

#[cfg(test)]
mod tests;
