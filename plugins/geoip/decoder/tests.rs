use heka_message::Message;
use heka_plugin::Globals;
use tempfile::TempDir;

use super::*;

pub(crate) mod legacy_file;

const OSLO: legacy_file::City = legacy_file::City {
    country: 162,
    region: "12",
    city: b"Oslo",
    postal: "0150",
    latitude: 599_167,
    longitude: 107_500,
    codes: 0,
};
const OSLO_JSON: &str = r#"{"latitude":59.91669845581055,"longitude":10.75,"location":[10.75,59.91669845581055],"coordinates":["10.75","59.91669845581055"],"countrycode":"NO","countrycode3":"NOR","countryname":"Norway","region":"12","city":"Oslo","postalcode":"0150","areacode":0,"charset":1,"continentcode":"EU"}"#;

fn file(bytes: &[u8]) -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("city.db");
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_string();
    (dir, path)
}

fn config(db_file: &str) -> Config {
    Config { db_file: Some(db_file.into()), source_ip_field: "ip".into(), ..Config::default() }
}

fn open(config: Config) -> Result<GeoIpDecoder, String> {
    GeoIpDecoder::open(config, &Context::for_test("d")).map_err(|error| error.to_string())
}

/// The fields of a message that came with `fields`.
fn decoded(decoder: &mut GeoIpDecoder, fields: Vec<Field>) -> Vec<Field> {
    let mut pack = Pack::new();
    *pack.message_mut() = Message { fields, ..Message::default() };
    assert_eq!(decoder.decode(&mut pack, &mut Vec::new()).unwrap(), Decode::Done);
    pack.message().fields.clone()
}

#[test]
fn what_is_known_becomes_a_field() {
    let (_dir, path) = file(&legacy_file::write(2, &[("10.1.0.0/16", &OSLO)]));
    let mut decoder = open(config(&path)).unwrap();
    let ip = Field::string("ip", "", "10.1.2.3");
    let found = decoded(&mut decoder, vec![ip.clone()]);
    assert_eq!(found, [ip, Field::bytes("geoip", "", OSLO_JSON)]);
    let mapped = decoded(&mut decoder, vec![Field::string("ip", "", "::ffff:10.1.2.3")]);
    assert_eq!(mapped[1], found[1]);
}

#[test]
fn other_messages_stay_as_they_are() {
    let (_dir, path) = file(&legacy_file::write(2, &[("10.1.0.0/16", &OSLO)]));
    let mut decoder = open(config(&path)).unwrap();
    for fields in [
        vec![],
        vec![Field::string("ip", "", "10.2.0.1")],
        vec![Field::string("ip", "", "")],
        vec![Field::string("ip", "", "no address")],
        vec![Field::string("ip", "", "2001:db8::1")],
        vec![Field::string("IP", "", "10.1.2.3")],
        vec![Field::bytes("ip", "", "10.1.2.3")],
        vec![Field::integer("ip", "", 1)],
    ] {
        assert_eq!(decoded(&mut decoder, fields.clone()), fields);
    }
}

#[test]
fn a_file_of_another_kind_finds_nothing() {
    let (_dir, path) = file(b"neither of them");
    let fields = vec![Field::string("ip", "", "10.1.2.3")];
    assert_eq!(decoded(&mut open(config(&path)).unwrap(), fields.clone()), fields);
}

#[test]
fn the_database_lies_in_the_share_dir_unless_it_is_named() {
    let dir = TempDir::new().unwrap();
    let bytes = legacy_file::write(6, &[("10.1.0.0/16", &OSLO)]);
    std::fs::write(dir.path().join("GeoLiteCity.dat"), bytes).unwrap();
    let globals = Globals { share_dir: dir.path().into(), ..Globals::default() };
    let context = Context { globals: Arc::new(globals), ..Context::for_test("d") };
    let config = Config { source_ip_field: "ip".into(), target_field: "place".into(), ..Config::default() };
    let mut decoder = GeoIpDecoder::open(config, &context).unwrap();
    let fields = decoded(&mut decoder, vec![Field::string("ip", "", "10.1.2.3")]);
    assert_eq!(fields[1], Field::bytes("place", "", OSLO_JSON));
}

#[test]
fn decoders_share_a_database_until_the_file_changes() {
    let (_dir, path) = file(&legacy_file::write(2, &[("10.1.0.0/16", &OSLO)]));
    let (first, second) = (open(config(&path)).unwrap(), open(config(&path)).unwrap());
    assert!(Arc::ptr_eq(&first.database, &second.database));
    std::fs::write(&path, legacy_file::write(2, &[])).unwrap();
    assert!(!Arc::ptr_eq(&first.database, &open(config(&path)).unwrap().database));
}

#[test]
fn a_damaged_mmdb_is_refused() {
    let (_dir, path) = file(b"\xab\xcd\xefMaxMind.com\xff");
    let error = open(config(&path)).err().unwrap();
    assert!(error.starts_with(&format!("Could not open GeoIP database: {path}: ")), "{error}");
}

#[test]
fn refused_options() {
    let error = |config| open(config).err().unwrap();
    assert_eq!(error(Config::default()), "`source_ip_field` must be specified");
    let no_target = Config { target_field: String::new(), ..config("x") };
    assert_eq!(error(no_target), "`target_field` must be specified");
    assert_eq!(
        error(config("/nowhere/city.dat")),
        "Could not open GeoIP database: /nowhere/city.dat: No such file or directory (os error 2)"
    );
}
