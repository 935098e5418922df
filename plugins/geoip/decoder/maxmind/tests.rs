use super::*;

/// MaxMind's test data; see the README beside it.
const FILE: &[u8] = include_bytes!("../../../../testdata/geoip/GeoLite2-City-Test.mmdb");

fn find(database: &MaxMind, address: &str) -> Option<String> {
    let record = database.find(address.parse().unwrap())?;
    Some(String::from_utf8(record.json()).unwrap())
}

#[test]
fn members_come_from_where_legacy_databases_had_them() {
    assert!(MaxMind::is_meant_by(FILE));
    let database = MaxMind::new(FILE.to_vec()).unwrap();
    assert_eq!(
        database.find("2.125.160.216".parse().unwrap()).unwrap(),
        Record {
            place: Some((51.75, -1.25)),
            country_code: "GB".into(),
            country_code3: "GBR".into(),
            country_name: "United Kingdom".into(),
            region: "ENG".into(),
            city: "Boxford".into(),
            postal_code: "OX1".into(),
            area_code: 0,
            continent_code: "EU".into(),
        }
    );
    assert_eq!(database.find("89.160.20.113".parse().unwrap()).unwrap().city, "Linköping");
    assert_eq!(
        find(&database, "2001:218::1").unwrap(),
        r#"{"latitude":35.68535995483398,"longitude":139.7530975341797,"location":[139.7530975341797,35.68535995483398],"coordinates":["139.7530975341797","35.68535995483398"],"countrycode":"JP","countrycode3":"JPN","countryname":"Japan","region":"","city":"","postalcode":"","areacode":0,"charset":1,"continentcode":"AS"}"#
    );
    assert_eq!(find(&database, "10.0.0.1"), None);
    assert_eq!(find(&database, "fe80::1"), None);
}

#[test]
fn damage_is_never_more_than_a_wrong_answer() {
    // Every fifty-third byte in turn is another one: that reaches the tree, all kinds of data, and the metadata.
    for at in (0..FILE.len()).step_by(53) {
        let mut bytes = FILE.to_vec();
        bytes[at] ^= 0xff;
        if let Ok(database) = MaxMind::new(bytes) {
            for address in ["2.125.160.216", "89.160.20.113", "2001:218::1"] {
                find(&database, address);
            }
        }
    }
}

#[test]
fn other_files_are_not_taken_for_one() {
    assert!(!MaxMind::is_meant_by(b""));
    assert!(!MaxMind::is_meant_by(b"MaxMind.com"));
    assert!(MaxMind::new(FILE[..FILE.len() - 30].to_vec()).is_err());
}
