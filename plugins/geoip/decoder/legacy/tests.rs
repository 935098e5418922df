use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::geoip::decoder::tests::legacy_file::{self, City};

const ALDA: City = City {
    country: 225,
    region: "CA",
    city: b"San Jos\xe9",
    postal: "95112",
    latitude: 373_360,
    longitude: -1_218_900,
    codes: 807_408,
};
const BERN: City = City {
    country: 43,
    region: "05",
    city: b"Bern",
    postal: "",
    latitude: 469_167,
    longitude: 74_667,
    codes: 0,
};

/// Country, city, place and area code.
type Found = (String, String, Option<(f32, f32)>, u32);

fn find(bytes: Vec<u8>, address: &str) -> Option<Found> {
    let legacy = Legacy::new(bytes).unwrap();
    let record = legacy.find(address.parse().unwrap())?;
    Some((record.country_code.into(), record.city.into(), record.place, record.area_code))
}

#[test]
fn an_address_is_found_by_its_longest_known_beginning() {
    let file = || legacy_file::write(2, &[("10.1.0.0/16", &ALDA), ("10.1.2.128/25", &BERN)]);
    let alda = Some(("US".into(), "San José".into(), Some((37.336, -121.89)), 408));
    let bern = Some(("CH".into(), "Bern".into(), Some((46.9167, 7.4667)), 0));
    assert_eq!(find(file(), "10.1.0.1"), alda);
    assert_eq!(find(file(), "10.1.2.127"), alda);
    assert_eq!(find(file(), "10.1.2.128"), bern);
    assert_eq!(find(file(), "10.1.2.255"), bern);
    assert_eq!(find(file(), "10.1.3.0"), alda);
    assert_eq!(find(file(), "10.2.0.1"), None);
    assert_eq!(find(file(), "::1"), None);
}

#[test]
fn all_members_of_a_record() {
    let legacy = Legacy::new(legacy_file::write(2, &[("1.2.3.4/32", &ALDA)])).unwrap();
    assert_eq!(
        legacy.find(Ipv4Addr::new(1, 2, 3, 4).into()).unwrap(),
        Record {
            place: Some((37.336, -121.89)),
            country_code: "US".into(),
            country_code3: "USA".into(),
            country_name: "United States".into(),
            region: "CA".into(),
            city: "San José".into(),
            postal_code: "95112".into(),
            area_code: 408,
            continent_code: "NA".into(),
        }
    );
}

#[test]
fn editions() {
    let area_code =
        |edition| find(legacy_file::write(edition, &[("1.0.0.0/8", &ALDA)]), "1.1.1.1").unwrap().3;
    assert_eq!((area_code(2), area_code(107), area_code(6), area_code(111)), (408, 408, 0, 0));
    for edition in [1, 3, 106] {
        assert!(Legacy::new(legacy_file::write(edition, &[])).is_none());
    }
    assert!(Legacy::new(Vec::new()).is_none());
    assert!(Legacy::new(b"no database at all, but a text that is long enough".to_vec()).is_none());
}

#[test]
fn wide_editions_know_both_kinds_of_addresses() {
    let file = || legacy_file::write(30, &[("2001:db8::/32", &ALDA), ("::10.0.0.0/104", &BERN)]);
    let city = |address| find(file(), address).map(|found| found.1);
    assert_eq!(city("2001:db8::7"), Some("San José".into()));
    assert_eq!(city("10.9.8.7"), Some("Bern".into()));
    assert_eq!(city("2001:db9::7"), None);
}

#[test]
fn what_is_appended_behind_the_edition_does_not_matter() {
    let mut file = legacy_file::write(2, &[("1.0.0.0/8", &BERN)]);
    file.extend_from_slice(&[0; 13]);
    assert_eq!(find(file, "1.1.1.1").unwrap().1, "Bern");
}

proptest! {
    #[test]
    fn damage_is_never_more_than_a_wrong_answer(
        edition in prop::sample::select(vec![2_u8, 6, 30, 31]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        address: [u8; 4],
    ) {
        let network = if edition < 30 { "10.1.2.0/24" } else { "::10.1.2.0/120" };
        let mut file = legacy_file::write(edition, &[(network, &ALDA)]);
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        // The end stays, so that what is cut out of the middle moves and shortens the rest.
        let middle = file.len() - 7;
        file.drain(cut.index(middle)..middle);
        if let Some(legacy) = Legacy::new(file) {
            legacy.find(Ipv4Addr::from(address).into());
            legacy.find(Ipv4Addr::new(10, 1, 2, 3).into());
        }
    }
}
